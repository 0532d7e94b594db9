//! A large city: of ten facilities eight are zones of bays, two are car parks with barriers and a parking system.

use std::time::Duration;

use vlot_model::{
    Bay, City, Counting, Device, DeviceIx, DeviceKind, Facility, FacilityIx, FacilityKind, LonLat,
    Reliability, Role, Service, Site, UserGroup,
};

/// Spaces of a car park.
pub(crate) const SPACES: u32 = 500;

/// A car park's devices.
pub(crate) struct Park {
    pub(crate) barriers: [DeviceIx; 2],
    pub(crate) counter: DeviceIx,
}

/// The devices that speak.
pub(crate) struct Devices {
    pub(crate) bays: Vec<DeviceIx>,
    pub(crate) parks: Vec<Park>,
}

/// The city, and which devices are what.
pub(crate) struct Town {
    pub(crate) city: City,
    pub(crate) bays: Vec<DeviceIx>,
    pub(crate) parks: Vec<Park>,
}

impl Town {
    pub(crate) fn new(facilities: u32, bays: u32) -> Self {
        let zones = (facilities - facilities / 5).max(1);
        let city = City { timezone: "Europe/Brussels".to_owned(), ..City::default() };
        let mut town = Town { city, bays: Vec::new(), parks: Vec::new() };
        for zone in 0..facilities {
            if zone < zones {
                // The first zones have one more where it does not come out even.
                town.zone(zone, bays / zones + u32::from(zone < bays % zones));
            } else {
                town.park(zone);
            }
        }
        town.city.devices.shrink_to_fit();
        town
    }

    fn zone(&mut self, number: u32, bays: u32) {
        let facility = FacilityIx(number);
        let bays: Vec<Bay> = (0..bays)
            .map(|bay| {
                let (role, id) = (Role::Bay { facility, bay }, format!("zone-{number}-bay-{bay}"));
                let device = self.device(DeviceKind::Bay, role, id, Duration::from_hours(25));
                self.bays.push(device);
                Bay { id: bay.to_string().into(), bay_use: UserGroup::Everyone, device }
            })
            .collect();
        let capacity = u32::try_from(bays.len()).unwrap_or(u32::MAX);
        self.facility(number, FacilityKind::OnStreet, capacity, Counting::Bays, bays);
    }

    fn park(&mut self, number: u32) {
        let facility = FacilityIx(number);
        let barrier = Role::Barrier { facility };
        let barriers = ["in", "out"].map(|way| {
            let id = format!("park-{number}-{way}");
            self.device(DeviceKind::Barrier, barrier, id, Duration::from_hours(6))
        });
        let id = format!("park-{number}-counter");
        let counter =
            self.device(DeviceKind::Counter, Role::Counter { facility }, id, Duration::from_mins(30));
        self.parks.push(Park { barriers, counter });
        self.facility(number, FacilityKind::OffStreet, SPACES, Counting::Barriers, Vec::new());
    }

    fn device(&mut self, kind: DeviceKind, role: Role, id: String, silent_after: Duration) -> DeviceIx {
        let ix = DeviceIx::from_position(self.city.devices.len());
        self.city.directory.insert(&id, ix);
        let service = Service::default();
        self.city.devices.push(Device { id: id.into(), kind, role, silent_after, service });
        ix
    }

    fn facility(
        &mut self,
        number: u32,
        kind: FacilityKind,
        capacity: u32,
        counting: Counting,
        bays: Vec<Bay>,
    ) {
        let facility = FacilityIx(number);
        let desk = format!("facility-{number}/operator");
        self.device(DeviceKind::Operator, Role::Operator { facility }, desk, Duration::MAX);
        self.city.facilities.push(Facility {
            id: format!("facility-{number}").into(),
            name: format!("Facility {number}"),
            kind,
            position: LonLat::default(),
            capacity,
            counting,
            bays,
            valid_for: Duration::from_hours(1),
            min_share: 0.75,
            full_at: 1,
            reopen_at: 3,
            estimate: Reliability::of(capacity),
            site: Site::default(),
        });
    }
}
