//! What a set of plans breaks, in words for the operator.

use vlot_model::{FacilityStatus, LinkIx, SignIx};
use vlot_network::route::check::Unlawful;

/// What one sign of a set breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{who}: {wrong}")]
pub struct Fault {
    /// The sign that a driver would be misled by.
    pub sign: SignIx,
    /// Position of the line; `None`: its plan as a whole.
    pub line: Option<usize>,
    /// Where on the way; `None`: nowhere on the streets.
    pub link: Option<LinkIx>,
    /// Ids of the sign, and of what the line announces.
    pub(super) who: Box<str>,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a plan. Names are ids of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The set is not of this city.
    #[error("the set holds no plan for it, or none with its lines (hint: report this)")]
    Misfit,
    /// A way over streets from a sign that stands on none.
    #[error("a way leads over streets, and the sign stands on none")]
    NoStand,
    /// A way over streets to what is on none.
    #[error("a way leads over streets, and the entrance is on none")]
    NoEntrance,
    /// The way of another place.
    #[error("the way does not begin where the sign stands")]
    StartsElsewhere,
    /// The way to another place.
    #[error("the way does not end at the entrance")]
    EndsElsewhere,
    /// Against the direction of its only link.
    #[error("the way ends before it begins")]
    Backwards,
    /// A way that one may not or cannot drive.
    #[error("of the way {why}{street}")]
    Unlawful {
        /// Which rule; counts the way's links from 0.
        why: Unlawful,
        /// The name of the street where that is, in brackets.
        street: Box<str>,
    },
    /// Advice without a way.
    #[error("it is advised, and no way leads there now")]
    NoWay,
    /// Advice over a way that nobody looked at.
    #[error("it is advised by its configured arrow, and there are streets to find a way over")]
    Unproven,
    /// Signs that follow one another do not agree that there is a way.
    #[error("on the way stands sign {name}, which has no way there")]
    Lost {
        /// That sign.
        at: SignIx,
        /// Its id.
        name: Box<str>,
    },
    /// Who follows the signs comes back.
    #[error("{told}: a driver would go round")]
    Round {
        /// By following the advice of each sign; else, one destination.
        advice: bool,
        /// In the order in which they are come to, the fault's own first.
        signs: Vec<SignIx>,
        /// What they do.
        told: Box<str>,
    },
    /// Advice to a place without space.
    #[error("it is advised, and {}", state(*.status))]
    NoSpace {
        /// What the sign itself says.
        status: FacilityStatus,
    },
    /// Advice that another sign speaks against.
    #[error("it is advised, and sign {name} {} says that {}", if *.inside { "in the same garage" } else { "on the way" }, state(*.status))]
    Contradicted {
        /// That sign.
        by: SignIx,
        /// Its id.
        name: Box<str>,
        /// What it says.
        status: FacilityStatus,
        /// It is in the same garage; else, on the way.
        inside: bool,
    },
    /// A car park, advised to somebody in a bicycle garage.
    #[error("a car park is advised inside a bicycle garage")]
    CarPark,
}

fn state(status: FacilityStatus) -> &'static str {
    match status {
        FacilityStatus::SpacesAvailable => "it has space",
        FacilityStatus::Full => "it is full",
        FacilityStatus::Closed => "it is closed",
        FacilityStatus::Unknown => "nothing is known of it",
    }
}
