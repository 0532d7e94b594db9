//! Routes with live weights: how long everything takes, each beside a plain Dijkstra over the same turns in the same run, and
//! Valhalla on the same extract where a Python with `pyvalhalla` is given. Every distance is compared with the plain one's: a
//! difference ends the run.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

pub(crate) mod data;
mod peer;
mod times;

use anyhow::Result;
use serde_json::{Value, json};
use vlot_model::Mode;

use crate::Options;
use times::Times;

const MODES: [Mode; 3] = [Mode::Car, Mode::Bicycle, Mode::Foot];

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut networks = Vec::new();
    for file in data::files(options) {
        let set = data::read(&file)?;
        let mut modes = Vec::new();
        if !options.json {
            println!(
                "{}: {} links, {} turn rules",
                set.name,
                set.network.links.len(),
                set.network.turns.len()
            );
            print_head();
        }
        for mode in MODES {
            let Some(times) = times::measure(&set.network, mode)? else { continue };
            if !options.json {
                print(&times);
            }
            modes.push(as_json(&times));
        }
        let extract = options.extract.as_ref().or(set.extract.as_ref());
        let mut valhalla = match (&options.valhalla, extract) {
            (Some(python), Some(extract)) => Some(peer::measure(python, extract, &set.network)?),
            _ => None,
        };
        if let Some(valhalla) = &mut valhalla {
            beside(valhalla, modes.first());
        }
        if let (Some(valhalla), false) = (&valhalla, options.json) {
            println!("  Valhalla on the same extract: {valhalla}");
        }
        networks.push(json!({ "network": set.name, "modes": modes, "valhalla": valhalla }));
    }
    if options.json {
        println!("{}", json!({ "routing": networks }));
    } else {
        println!(
            "states: directed links of the mode. nodes, arcs: of the hierarchy. order: once for a city, then kept. full: all weights anew.\n\
             quarter: 100 changed links around a place. distance, path (checked), with 2 alternatives: medians of single queries. table:\n\
             500 origins x 30 targets. plain: a Dijkstra query. equal: pairs whose distance is the plain one's, of those looked at."
        );
    }
    Ok(())
}

/// Puts to Valhalla's times by car how many times ours they are.
fn beside(valhalla: &mut Value, car: Option<&Value>) {
    let Some(car) = car.filter(|mode| mode["mode"] == "car") else { return };
    let ratio = |theirs: &Value, ours: &Value| Some(theirs.as_f64()? / ours.as_f64()?);
    let route = ratio(&valhalla["route_p50_s"], &car["path_s"]["p50"]);
    let table = ratio(&valhalla["table_s"], &car["table_500_x_30_s"]);
    valhalla["ratio_route_to_path"] = json!(route);
    valhalla["ratio_table_to_table"] = json!(table);
}

fn print_head() {
    println!(
        "  mode     states   nodes    arcs  order_s  full_ms  quarter_ms (p95)  distance_us (p95)  path_us (p95)  alternatives_us  table_ms  \
         plain_ms   plain/distance  plain/full   equal  found"
    );
}

fn print(times: &Times) {
    let Times { size, .. } = times;
    println!(
        "  {:<8} {:>6}  {:>6}  {:>6}  {:>7.2}  {:>7.2}  {:>10.3} ({:>3.2})  {:>11.1} ({:>3.0})  {:>7.0} ({:>4.0})  {:>15.0}  {:>8.1}  {:>8.2}  \
         {:>14.0}  {:>9.1}  {:>3}/{}  {:>4.0} %",
        format!("{:?}", times.mode).to_lowercase(),
        size.states,
        size.nodes,
        size.arcs,
        times.order_s,
        times.full_s * 1e3,
        times.quarter_s[0] * 1e3,
        times.quarter_s[1] * 1e3,
        times.distance_s[0] * 1e6,
        times.distance_s[1] * 1e6,
        times.path_s[0] * 1e6,
        times.path_s[1] * 1e6,
        times.alternatives_s * 1e6,
        times.table_s * 1e3,
        times.plain_s * 1e3,
        times.plain_s / times.distance_s[0],
        times.plain_s / times.full_s,
        times.equal,
        times.looked_at,
        times.found * 100.0,
    );
}

fn as_json(times: &Times) -> Value {
    let Times { size, .. } = times;
    json!({
        "mode": format!("{:?}", times.mode).to_lowercase(),
        "states": size.states,
        "turns": size.turns,
        "nodes": size.nodes,
        "arcs": size.arcs,
        "quarters": size.quarters,
        "local_nodes": size.local_nodes,
        "local_arcs": size.local_arcs,
        "order_s": times.order_s,
        "with_kept_order_s": times.kept_s,
        "full_s": times.full_s,
        "quarter_s": { "p50": times.quarter_s[0], "p95": times.quarter_s[1] },
        "distance_s": { "p50": times.distance_s[0], "p95": times.distance_s[1] },
        "path_s": { "p50": times.path_s[0], "p95": times.path_s[1] },
        "with_alternatives_s": times.alternatives_s,
        "table_500_x_30_s": times.table_s,
        "plain_s": times.plain_s,
        "ratio_plain_to_distance": times.plain_s / times.distance_s[0],
        "ratio_plain_to_path": times.plain_s / times.path_s[0],
        "ratio_plain_to_full": times.plain_s / times.full_s,
        "ratio_plain_table_to_table": times.plain_s * 15_000.0 / times.table_s,
        "equal_to_plain": times.equal,
        "looked_at": times.looked_at,
        "share_with_a_way": times.found,
        "alternatives_each": times.alternatives_each,
    })
}
