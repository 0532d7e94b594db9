//! One run: SUMO moves the vehicles, sensors tell Vlot, signs tell those who obey, drivers decide.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use anyhow::{Context, Result};
use vlot_benches::traci::Sumo;
use vlot_model::Direction;

use super::demand::{Demand, Driver};
use super::driver::Mind;
use super::engine::Vlot;
use super::result::Played;
use super::scenario::Scenario;
use super::sensors::Sensors;
use super::watch::Watch;
use super::{City, Setup, city};

/// So long after the last departure the simulation ends, whoever still searches.
const AFTER_S: i64 = 3_600;

/// A vehicle on the net.
struct Vehicle {
    /// Position in the demand's vehicles, or after them: who is followed stays so.
    number: usize,
    name: String,
    way: Vec<u32>,
    at: usize,
    /// When it came to the edge that it is on.
    since: i64,
    /// Who looks for a space in it.
    driver: Option<usize>,
    /// It has left the net at the end of its way.
    gone: bool,
    /// It would go on after that.
    goes_on: bool,
    /// Edges that SUMO's route of it has before the way: the microscopic model keeps those that were driven.
    driven: usize,
    /// The way before the last change, where on it, and what was driven before: SUMO may refuse the new one.
    before: Option<(Vec<u32>, usize, usize)>,
    /// SUMO has refused: its way does not lead to where its driver wants to go.
    astray: bool,
}

impl Vehicle {
    fn new(number: usize, name: &str, way: Vec<u32>, since: i64, driver: Option<usize>) -> Self {
        let name = name.to_owned();
        Vehicle {
            number,
            name,
            way,
            at: 0,
            since,
            driver,
            gone: false,
            goes_on: false,
            driven: 0,
            before: None,
            astray: false,
        }
    }
}

/// A driver, from departure on.
struct Person {
    depart_s: f64,
    mind: Mind,
    obeys: bool,
    /// Found a space, or gave up.
    done: bool,
}

struct Loop<'a> {
    scenario: &'a Scenario,
    demand: &'a Demand,
    setup: &'a Setup,
    sumo: Sumo,
    vehicles: HashMap<String, Vehicle>,
    people: Vec<Person>,
    occupied: Vec<u32>,
    /// Who leaves when: driver and car park.
    leaving: BTreeMap<i64, Vec<(usize, usize)>>,
    added: usize,
    played: Played,
    open: usize,
}

pub(super) fn play(scenario: &Scenario, demand: &Demand, city: &City, setup: &Setup) -> Result<Played> {
    let begun = std::time::Instant::now();
    let scratch = tempfile::tempdir().context("cannot make a folder for the run")?;
    let routes = scratch.path().join("routes.xml");
    std::fs::write(&routes, written(scenario, demand))?;
    let mut arguments: Vec<String> =
        ["-n", &scenario.net.display().to_string(), "-r"].map(str::to_owned).into();
    arguments.push(routes.display().to_string());
    let fixed = "--no-step-log true --no-warnings true --xml-validation never --time-to-teleport 120 \
                 --ignore-route-errors true --duration-log.disable true --seed";
    arguments.extend(fixed.split_whitespace().map(str::to_owned));
    arguments.push(setup.seed.to_string());
    if !setup.micro {
        let meso = "--mesosim true --meso-junction-control true --meso-minor-penalty 3";
        arguments.extend(meso.split_whitespace().map(str::to_owned));
    }
    let person = |driver: &Driver| Person {
        depart_s: 0.0,
        mind: Mind::new(driver.park),
        obeys: setup.mode.is_signed() && driver.obeys_from < setup.compliance,
        done: false,
    };
    let mut people: Vec<Person> = demand.drivers.iter().map(person).collect();
    for vehicle in &demand.vehicles {
        if let Some(driver) = vehicle.driver {
            people[driver].depart_s = vehicle.depart_s;
        }
    }
    let open = people.len();
    let mut run = Loop {
        scenario,
        demand,
        setup,
        sumo: Sumo::start(&arguments)?,
        vehicles: HashMap::new(),
        people,
        occupied: vec![0; scenario.parks.len()],
        leaving: BTreeMap::new(),
        added: 0,
        played: Played::new(demand.drivers.len()),
        open,
    };
    let known = &city.known;
    let mut vlot = match setup.mode.is_signed() {
        true => Some(Vlot::start(city::city_for(setup, known.city.clone()))?),
        false => None,
    };
    let mut sensors = Sensors::new(scenario, known, setup.seed);
    let mut watch = Watch::new(&city.posts, setup.mode);
    let mut second = 0;
    let numbers: HashMap<&str, usize> =
        demand.vehicles.iter().enumerate().map(|(i, vehicle)| (vehicle.name.as_str(), i)).collect();
    while second < setup.until_s || run.open > 0 && second < setup.until_s + AFTER_S {
        run.step(second, &numbers, &mut sensors, &watch)?;
        if let Some(vlot) = &mut vlot {
            vlot.second(second, &sensors.heard(second, &run.occupied))?;
            watch.second(second, vlot, scenario, &run.occupied);
        }
        if second % 60 == 0 && second < setup.until_s {
            run.spread();
        }
        second += 1;
    }
    run.sumo.close()?;
    for (person, driver) in run.people.iter().zip(0..).filter(|(person, _)| !person.done) {
        run.played.drivers[driver].end(second as f64 - person.depart_s, person.mind.turned_away());
    }
    let mut played = run.played;
    watch.tell(&mut played, second);
    if let Some(vlot) = vlot {
        played.refused = vlot.refused;
        played.told_compliance = vlot.told_compliance();
        vlot.stop()?;
    }
    played.wall_s = begun.elapsed().as_secs_f64();
    Ok(played)
}

/// SUMO's route file: every vehicle with its way.
fn written(scenario: &Scenario, demand: &Demand) -> String {
    let mut out = String::from("<routes>\n");
    for vehicle in &demand.vehicles {
        let (name, depart_s) = (&vehicle.name, vehicle.depart_s);
        let _never_fails = write!(
            out,
            "<vehicle id=\"{name}\" depart=\"{depart_s:.2}\" departLane=\"best\"><route edges=\""
        );
        for (i, edge) in vehicle.way.iter().enumerate() {
            out.push_str(if i > 0 { " " } else { "" });
            out.push_str(&scenario.edges[*edge as usize].id);
        }
        out.push_str("\"/></vehicle>\n");
    }
    out.push_str("</routes>\n");
    out
}

impl Loop<'_> {
    fn step(
        &mut self,
        second: i64,
        numbers: &HashMap<&str, usize>,
        sensors: &mut Sensors<'_>,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let stepped = self.sumo.step().with_context(|| format!("in second {second}"))?;
        for name in stepped.departed {
            if !stepped.arrived.contains(&name) {
                self.sumo.follow(&name);
            }
            if let Some(number) = numbers.get(name.as_str()) {
                let vehicle = &self.demand.vehicles[*number];
                let (way, driver) = (vehicle.way.to_vec(), vehicle.driver);
                let own = Vehicle::new(*number, &name, way, second, driver);
                self.vehicles.insert(name, own);
            } else if let Some(vehicle) = self.vehicles.get_mut(&name) {
                vehicle.since = second;
            }
        }
        for name in stepped.refused {
            // SUMO has taken it from the net for a while (it stood too long, and is being teleported): it is tried again.
            self.played.refused_turns += 1;
            if let Some(vehicle) = self.vehicles.get_mut(&name)
                && let Some((way, at, driven)) = vehicle.before.take()
            {
                (vehicle.way, vehicle.at, vehicle.driven) = (way, at, driven);
                vehicle.astray = true;
            }
        }
        for (name, at) in stepped.at {
            let Some(mut vehicle) = self.vehicles.remove(&name) else { continue };
            let at = at.saturating_sub(vehicle.driven);
            self.comes_to(&mut vehicle, at, second, sensors, watch);
            self.vehicles.insert(name, vehicle);
        }
        for name in stepped.arrived {
            let Some(mut vehicle) = self.vehicles.remove(&name) else { continue };
            vehicle.gone = true;
            let last = vehicle.way.len().saturating_sub(1);
            self.comes_to(&mut vehicle, last, second, sensors, watch);
            if vehicle.goes_on {
                // It was too quick to be seen at a car park that is full, and goes on as another.
                let driver = vehicle.driver.filter(|driver| !self.people[*driver].done);
                self.add(vehicle.number, &vehicle.way, driver, second);
            } else {
                self.leaves(&mut vehicle, last + 1, second, sensors);
            }
        }
        let later = self.leaving.split_off(&(second + 1));
        for (driver, park) in std::mem::replace(&mut self.leaving, later).into_values().flatten() {
            self.occupied[park] -= 1;
            sensors.passes(park, Direction::Out, second);
            let way = self.scenario.from[park].way_back(self.demand.drivers[driver].home);
            self.add(self.demand.vehicles.len() + driver, &way, None, second);
        }
        Ok(())
    }

    fn add(&mut self, number: usize, way: &[u32], driver: Option<usize>, second: i64) {
        let name = format!("a{}", self.added);
        self.added += 1;
        self.sumo.add(&name, names(self.scenario, way));
        let own = Vehicle::new(number, &name, way.to_vec(), second, driver);
        self.vehicles.insert(name, own);
    }

    /// It has left the edges of its way before the `to`th.
    fn leaves(&mut self, vehicle: &mut Vehicle, to: usize, second: i64, sensors: &mut Sensors<'_>) {
        let passed = vehicle.way.get(vehicle.at..to.min(vehicle.way.len())).unwrap_or_default();
        let free = |edge: &u32| {
            let edge = &self.scenario.edges[*edge as usize];
            edge.length_m / edge.speed_ms
        };
        let all: f64 = passed.iter().map(free).sum();
        let took = (second - vehicle.since) as f64;
        for edge in passed {
            self.played.vehicle_km += self.scenario.edges[*edge as usize].length_m / 1e3;
            sensors.leaves(vehicle.number, *edge as usize, took * free(edge) / all.max(0.1), second);
        }
        if !passed.is_empty() {
            (vehicle.at, vehicle.since) = (to, second);
        }
    }

    fn comes_to(
        &mut self,
        vehicle: &mut Vehicle,
        at: usize,
        second: i64,
        sensors: &mut Sensors<'_>,
        watch: &Watch<'_>,
    ) {
        let before = vehicle.at;
        if at > before {
            self.leaves(vehicle, at, second, sensors);
        }
        let Some(driver) = vehicle.driver.filter(|driver| !self.people[*driver].done) else { return };
        let Some(edge) = vehicle.way.get(vehicle.at).map(|edge| *edge as usize) else { return };
        let own = &self.demand.drivers[driver];
        let person = &mut self.people[driver];
        let target = person.mind.target;
        let (scenario, now_s) = (self.scenario, second as f64);
        if self.setup.mode.is_signed() {
            let passed = vehicle.way.get(before + 1..=vehicle.at).unwrap_or_default();
            for sign in passed.iter().filter_map(|edge| watch.sign(*edge as usize)) {
                if person.mind.read.insert(sign) {
                    let said = watch.said(sign);
                    let is_warned = said.sends_away(person.mind.target);
                    self.played.warned += u32::from(is_warned);
                    if !person.obeys {
                        continue;
                    }
                    let drive = |park| scenario.seconds(edge, park);
                    let taken = person.mind.reads(&said, drive, &own.walk_s, now_s);
                    self.played.signs_read += 1;
                    self.played.advised += u32::from(said.advice.is_some());
                    self.played.followed += u32::from(taken);
                    self.played.followed_warned += u32::from(taken && is_warned);
                }
            }
        }
        let astray = std::mem::take(&mut vehicle.astray);
        let at_park = vehicle.at + 1 >= vehicle.way.len() && !astray;
        let searches_on = person.mind.target == target && at_park;
        if searches_on {
            let has_space =
                !self.setup.mode.is_limited() || self.occupied[target] < scenario.parks[target].capacity;
            if has_space {
                self.parks(driver, target, second, sensors);
                return;
            }
            let drive = |park| scenario.seconds(edge, park);
            person.mind.is_turned_away(drive, &own.walk_s, now_s);
            self.played.turned_away += 1;
            let since = person.mind.searches_since.unwrap_or(now_s);
            if now_s - since > own.patience_s {
                self.gives_up(driver, now_s);
                self.goes(vehicle, scenario.from[target].way_back(own.home));
                return;
            }
        }
        let target_now = self.people[driver].mind.target;
        let tree = &scenario.to[own.view][target_now];
        if target_now != target || astray {
            self.goes(vehicle, tree.way(edge));
        } else if searches_on {
            // There is no other: once around, and back.
            let way = scenario.graph.round(tree, edge);
            if way.is_empty() {
                self.gives_up(driver, now_s);
            }
            self.goes(vehicle, way);
        }
    }

    fn gives_up(&mut self, driver: usize, now_s: f64) {
        let person = &mut self.people[driver];
        person.done = true;
        self.open -= 1;
        let result = &mut self.played.drivers[driver];
        result.end(now_s - person.depart_s, person.mind.turned_away());
        result.gave_up = true;
    }

    /// It takes another way from where it is.
    fn goes(&mut self, vehicle: &mut Vehicle, way: Vec<u32>) {
        if way.is_empty() {
            return;
        }
        if vehicle.gone {
            vehicle.goes_on = true;
        } else {
            self.sumo.reroute(&vehicle.name, names(self.scenario, &way));
        }
        let before = std::mem::replace(&mut vehicle.way, way);
        let at = std::mem::take(&mut vehicle.at);
        vehicle.before = Some((before, at, vehicle.driven));
        if self.setup.micro {
            vehicle.driven += at;
        }
    }

    fn parks(&mut self, driver: usize, park: usize, second: i64, sensors: &mut Sensors<'_>) {
        self.occupied[park] += 1;
        sensors.passes(park, Direction::In, second);
        let (own, person) = (&self.demand.drivers[driver], &mut self.people[driver]);
        person.done = true;
        self.open -= 1;
        let result = &mut self.played.drivers[driver];
        result.end(second as f64 - person.depart_s, person.mind.turned_away());
        result.park = Some(park);
        result.walk_s = own.walk_s[park];
        #[expect(clippy::cast_possible_truncation, reason = "a stay of hours")]
        let until = second + (own.stay_s as i64).max(1);
        self.leaving.entry(until).or_default().push((driver, park));
    }

    fn spread(&mut self) {
        let shares: Vec<f64> = (self.occupied.iter().zip(&self.scenario.parks))
            .map(|(occupied, park)| f64::from(*occupied) / f64::from(park.capacity))
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / shares.len() as f64;
        self.played.spread.push(variance.sqrt());
    }
}

fn names<'a>(scenario: &'a Scenario, way: &'a [u32]) -> impl Iterator<Item = &'a str> {
    way.iter().map(|edge| scenario.edges[*edge as usize].id.as_str())
}
