//! The throughput of `wstape serve`: replies by `on_message`, compared with the same written by
//! hand on Node's `ws`, and events at `--speed max`, compared with a bare tungstenite sender. All
//! run on loopback, in turn, in one run, each as a process of its own on one core.
//!
//! `npm install --prefix FOLDER ws@8` once, then
//! `NODE_PATH=FOLDER/node_modules cargo bench --package wstape --bench serving`
//!
//! `WSTAPE` names another build of the program. Without `ws` in `NODE_PATH`, the replies are
//! measured without a comparison.

mod asking;
mod listening;
mod sender;
mod server;

use std::path::Path;
use std::process::{Command, ExitCode};

use server::Server;

/// Rounds of each server; the median counts.
const ROUNDS: usize = 5;
/// Replies per round, and in the shorter round that warms up.
const REPLIES: usize = 400_000;
const WARMUP_REPLIES: usize = 40_000;
/// Connections that ask.
const CONNECTIONS: usize = 64;
/// How many requests each connection has waiting for their replies.
const WINDOWS: [usize; 2] = [1, 8];
/// Events per round.
const EVENTS: usize = 1_000_000;
/// Events of a tape that is played over and over.
const LOOPED_EVENTS: usize = 1_000;
/// The core that a server has for itself, as far as the machine can spare one.
const CORE: &str = "0";

/// A positions event as the engine sends it: two positions, 331 bytes.
const EVENT: &str = concat!(
    r#"{"event": "positions", "ts": "2026-04-22T12:19:29.563466+00:00", "data": {"positions": ["#,
    r#"{"coin": "TRX", "direction": "LONG", "entry_price": 0.33444, "size_coins": 149.0, "#,
    r#""lens_id": "lens_flow"}, {"coin": "BTC", "direction": "SHORT", "entry_price": 63450.0, "#,
    r#""size_coins": 0.00125, "size_usd": 76.1412}], "account_value": 581.49647}}"#,
);

/// The tape that answers.
const DIALOGUE: &str = r#"{"tape":1,"title":"pong","needs":["dialogue"]}
{"on_message":{"json":{"method":"ping"}},"json":{"id":"${/id}","result":"pong"}}
{"at_ms":86400000,"end":true}
"#;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == sender::SENDER) {
        sender::run();
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only checks that it runs.
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let only = |name: &str| arguments.iter().any(|argument| argument == name);
    let folder = tempfile::tempdir().expect("a folder");
    if !only("--events") {
        replies(folder.path());
    }
    if !only("--replies") {
        events(folder.path());
    }
    ExitCode::SUCCESS
}

/// Returns the command for `wstape serve` with these arguments, on the servers' core.
fn wstape(tape: &Path, rest: &[&str]) -> Command {
    let program = std::env::var_os("WSTAPE");
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_wstape").into());
    let mut command = server::on_core(CORE, program);
    command.arg("serve").arg(tape).args(rest);
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

fn node() -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/serving/server.js");
    let mut command = server::on_core(CORE, "node".into());
    command.arg(script);
    command
}

/// What one server did in all rounds.
#[derive(Debug, Default)]
struct Figures {
    name: &'static str,
    /// Per second of real time.
    rates: Vec<f64>,
    /// Per second of the server's processor time.
    per_processor: Vec<f64>,
}

impl Figures {
    fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn add(&mut self, did: &server::Did) {
        self.rates.push(did.rate());
        self.per_processor.push(did.per_processor());
    }

    /// Prints a line, which compares it with another server if there is one.
    fn print(&mut self, beside: Option<(f64, f64)>) -> (f64, f64) {
        let of = (median(&mut self.rates), median(&mut self.per_processor));
        let ratio = beside.map(|(rate, processor)| {
            format!("   {:.2} and {:.2} of it", of.0 / rate, of.1 / processor)
        });
        println!(
            "{:<24} {:>9.0} a second, {:>9.0} a second of processor time{}",
            self.name,
            of.0,
            of.1,
            ratio.unwrap_or_default()
        );
        of
    }
}

/// Measures requests and replies.
fn replies(folder: &Path) {
    let tape = folder.join("dialogue.jsonl");
    std::fs::write(&tape, DIALOGUE).expect("a folder");
    for window in WINDOWS {
        println!("\nreplies, {CONNECTIONS} connections, {window} waiting on each");
        let mut node_figures = Figures::named("ws on Node");
        let mut our_figures = Figures::named("wstape serve");
        for round in 0..=ROUNDS {
            let replies = if round == 0 { WARMUP_REPLIES } else { REPLIES };
            for (command, figures) in [
                (node(), &mut node_figures),
                (wstape(&tape, &[]), &mut our_figures),
            ] {
                let Some(server) = Server::start(command) else {
                    continue;
                };
                let did = asking::ask(&server, CONNECTIONS, window, replies);
                if round > 0 {
                    figures.add(&did);
                }
            }
        }
        let beside = Some(node_figures.print(None)).filter(|_| !node_figures.rates.is_empty());
        our_figures.print(beside);
    }
}

/// Measures events that are sent as fast as possible.
fn events(folder: &Path) {
    let looped = folder.join("looped.jsonl");
    let long = folder.join("long.jsonl");
    tape(&looped, LOOPED_EVENTS);
    tape(&long, EVENTS);
    println!("\n{EVENTS} events of {} bytes to one client", EVENT.len());
    let mut figures = [
        Figures::named("tungstenite, fed"),
        Figures::named("wstape serve --loop"),
        Figures::named("wstape serve, a file"),
    ];
    for _ in 0..ROUNDS {
        let commands = [
            sender::command(CORE),
            wstape(&looped, &["--speed", "max", "--loop"]),
            wstape(&long, &["--speed", "max"]),
        ];
        for (command, figures) in commands.into_iter().zip(&mut figures) {
            if let Some(server) = Server::start(command) {
                figures.add(&listening::listen(&server, EVENTS));
            }
        }
    }
    let [sender, looped, long] = &mut figures;
    let beside = Some(sender.print(None));
    looped.print(beside);
    long.print(beside);
}

/// Writes a tape of this many events, one per millisecond.
fn tape(path: &Path, events: usize) {
    use std::io::Write as _;
    let file = std::fs::File::create(path).expect("a folder");
    let mut file = std::io::BufWriter::new(file);
    let mut line = |line: String| file.write_all(line.as_bytes()).expect("room on the disk");
    line("{\"tape\":1,\"title\":\"events\"}\n".to_owned());
    for at in 1..=events {
        line(format!("{{\"at_ms\":{at},\"emit\":{EVENT}}}\n"));
    }
    line(format!("{{\"at_ms\":{},\"end\":true}}\n", events + 1));
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
