//! `vlot watch guidance`: one line a change of what signs advise as a whole.

use anyhow::Result;
use tonic::transport::Channel;
use vlot_proto::guidance::v1::guidance_service_client::GuidanceServiceClient;
use vlot_proto::guidance::v1::{Guidance, WatchGuidanceRequest, WatchGuidanceResponse};

use crate::follow::follow;
use crate::why_cmd::instant;

/// Follows guidance; what changes by less than a line shows is no change.
pub(crate) async fn guidance(
    channel: &Channel,
    print: &mut impl FnMut(String) -> Result<bool>,
) -> Result<()> {
    let open = async |channel, resume_after| {
        let request = WatchGuidanceRequest { resume_after };
        Ok(GuidanceServiceClient::new(channel).watch_guidance(request).await?.into_inner())
    };
    let mut last = String::new();
    let take = |change: WatchGuidanceResponse| {
        let guidance = change.guidance.unwrap_or_default();
        let line = line(&guidance);
        if line == last {
            return Ok(true);
        }
        last.clone_from(&line);
        print(format!("{}  {line}", instant(guidance.proven_at)))
    };
    follow(channel, open, take).await
}

/// Without the instant of the decision, which every change has.
fn line(guidance: &Guidance) -> String {
    let c = guidance.compliance.unwrap_or_default();
    let measured = if c.minutes > 0.0 { format!("\u{b1} {:.0}", c.sd * 100.0) } else { "assumed".to_owned() };
    let sent = guidance.loads.iter().filter(|load| load.sent_vph >= 0.5 || load.on_the_way >= 0.5);
    let sent: Vec<_> = sent
        .map(|load| {
            format!("{} {:.0}/h ({:.0} on the way)", load.facility_id, load.sent_vph, load.on_the_way)
        })
        .collect();
    let sent = if sent.is_empty() { "nobody".to_owned() } else { sent.join(", ") };
    let mut text = format!("{}  {:.0} % obey ({measured})  sent: {sent}", guidance.mode, c.share * 100.0);
    if let Some(refused) = &guidance.refused {
        text.push_str(&format!("  REFUSED since {}: {}", instant(refused.since), refused.faults.join("; ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_proto::guidance::v1::{Compliance, FacilityLoad, RefusedSet};

    #[test]
    fn a_line_says_who_obeys_what_is_sent_where_and_what_was_refused() {
        let load = |id: &str, sent_vph| FacilityLoad {
            facility_id: id.into(),
            sent_vph,
            on_the_way: 2.4,
            ..FacilityLoad::default()
        };
        let mut guidance = Guidance {
            mode: "together".into(),
            compliance: Some(Compliance { share: 0.3, sd: 0.05, minutes: 0.0 }),
            ..Guidance::default()
        };
        assert_eq!(line(&guidance), "together  30 % obey (assumed)  sent: nobody");
        guidance.compliance = Some(Compliance { share: 0.42, sd: 0.05, minutes: 12.0 });
        guidance.loads = vec![load("lei", 12.0), FacilityLoad::default(), load("bruul", 0.6)];
        guidance.refused =
            Some(RefusedSet { since: Some(Default::default()), faults: vec!["a".into(), "b".into()] });
        assert_eq!(
            line(&guidance),
            "together  42 % obey (\u{b1} 5)  sent: lei 12/h (2 on the way), bruul 1/h (2 on the way)  REFUSED since \
             1970-01-01T00:00:00Z: a; b"
        );
    }
}
