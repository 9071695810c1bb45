//! The crowd at one server after another.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::listeners::{CONNECTED, Heard, SERVED};
use crate::plan::Plan;
use crate::process::{self, SERVERS_CORE, Server};
use crate::{CrowdArgs, ratio, wstape};

/// Bounds of `docs/performance.md`: the 99th percentile of latencies is at most the larger of these
/// times Node's and the bare broadcaster's,
const MAX_P99_BESIDE_NODE: f64 = 0.5;
const MAX_P99_BESIDE_TOKIO: f64 = 1.25;
/// the memory per connection at most this many times Node's,
const MAX_MEMORY_BESIDE_NODE: f64 = 1.5;
/// and a burst takes at most this many times as long as Node's.
const MAX_BURST_BESIDE_NODE: f64 = 0.07;

/// What was measured at one server.
struct Served {
    heard: Heard,
    /// Bytes per client, once all clients have the steady part.
    memory: u64,
}

/// Prints the figures of all three servers; returns the bounds that do not hold.
pub(crate) fn run(crowd: &CrowdArgs) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = folder.path().join("crowd.jsonl");
    let plan = Plan::new(
        crowd.clients,
        crowd.steady.max(1),
        (crowd.bursts, crowd.burst_events.max(1)),
    );
    plan.write_tape(&tape).expect("room on the disk");
    println!(
        "{} clients, an event a second to each for {} s, then {} bursts of {} events",
        plan.clients, plan.steady, plan.bursts, plan.burst_events
    );
    let start = format!("connections:{}", plan.clients);
    let rest: [&OsStr; 3] = [tape.as_os_str(), "--start".as_ref(), start.as_ref()];
    let tokio = serve("tokio, bare", tokio(&plan), &plan);
    let node = serve("ws on Node", node(&plan), &plan);
    let ours = serve("wstape serve", wstape(&rest), &plan);
    let Some(ours) = ours else {
        return vec!["wstape serve did not start".to_owned()];
    };
    let mut broken = Vec::new();
    if ours.heard.lost > 0 {
        broken.push(format!("{} events were lost", ours.heard.lost));
    }
    match (node, tokio) {
        (Some(node), Some(tokio)) => broken.extend(compare(&ours, &node, &tokio)),
        _ => {
            println!(
                "not compared: Node with ws in NODE_PATH, or the bare broadcaster, is missing"
            );
        }
    }
    broken
}

fn tokio(plan: &Plan) -> Command {
    let mut command = process::part_of_this(SERVERS_CORE, "broadcaster");
    command.arg(plan.to_json());
    command
}

fn node(plan: &Plan) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/crowd/server.js");
    let mut command = process::on_core(SERVERS_CORE, "node".into());
    command.arg(script).arg(plan.to_json());
    command
}

/// Prints one server's figures, on a line.
fn serve(name: &str, command: Command, plan: &Plan) -> Option<Served> {
    let server = Server::start(command, false)?;
    let mut crowd = process::crowd(server.addr, plan);
    assert_eq!(crowd.line().as_deref(), Some(CONNECTED), "{name}");
    let connected = server.memory_of(plan.clients);
    // A crowd that lost something prints what it heard at once, instead of `SERVED`.
    let line = crowd.line().unwrap_or_default();
    let memory = server.memory_of(plan.clients);
    let heard = match &*line {
        SERVED => process::heard(&mut crowd),
        line => serde_json::from_str(line).expect("what the crowd heard"),
    };
    let ms = |us: u64| ratio(us, 1_000);
    println!(
        "{name:<14} p50 {:>7.1} ms, p99 {:>7.1} ms, longest {:>7.1} ms; lost {}; a burst {:>8.1} ms; {:>5.1} KiB a \
         client, {:.1} before the first event",
        ms(heard.p50_us),
        ms(heard.p99_us),
        ms(heard.max_us),
        heard.lost,
        ms(burst(&heard)),
        ratio(memory, 1024),
        ratio(connected, 1024)
    );
    Some(Served { heard, memory })
}

/// Returns the duration of the median burst.
fn burst(heard: &Heard) -> u64 {
    let mut took = heard.bursts_us.clone();
    took.sort_unstable();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

fn compare(ours: &Served, node: &Served, tokio: &Served) -> Vec<String> {
    let mut broken = Vec::new();
    let p99 = |other: &Served| ratio(ours.heard.p99_us, other.heard.p99_us);
    let memory = ratio(ours.memory, node.memory);
    let bursts = ratio(burst(&ours.heard), burst(&node.heard));
    println!(
        "wstape serve beside Node: p99 {:.2}, memory {memory:.2}, a burst {bursts:.3}; beside tokio: p99 {:.2}",
        p99(node),
        p99(tokio)
    );
    if p99(node) > MAX_P99_BESIDE_NODE && p99(tokio) > MAX_P99_BESIDE_TOKIO {
        broken.push(format!(
            "its p99 is over {MAX_P99_BESIDE_NODE} of Node's and over {MAX_P99_BESIDE_TOKIO} of tokio's"
        ));
    }
    if memory > MAX_MEMORY_BESIDE_NODE {
        broken.push(format!(
            "a connection takes more than {MAX_MEMORY_BESIDE_NODE} of Node's memory"
        ));
    }
    if !ours.heard.bursts_us.is_empty() && bursts > MAX_BURST_BESIDE_NODE {
        broken.push(format!(
            "a burst takes more than {MAX_BURST_BESIDE_NODE} of Node's time"
        ));
    }
    broken
}
