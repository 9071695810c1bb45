//! A crowd at one `wstape serve`: 10,000 clients that get an event a second and then bursts, in
//! turn with a broadcaster on Node's `ws` and a bare one on tokio; and while another client dials
//! as fast as it can. Exits with 1 if what `docs/performance.md` promises does not hold.
//!
//! `npm install --prefix FOLDER ws@8` once, then
//! `NODE_PATH=FOLDER/node_modules cargo bench --package wstape --bench crowd`
//!
//! `-- --clients 500` takes fewer clients, `-- broadcast` or `-- spin` runs only one of the two.
//! `WSTAPE` names another build of the program.

mod beside;
mod broadcaster;
mod control;
#[path = "../latencies/mod.rs"]
mod latencies;
mod listeners;
mod plan;
mod process;
mod spinner;
mod spinning;

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use plan::Plan;
use spinner::Spin;

#[derive(Debug, Parser)]
#[command(about = "A crowd at one `wstape serve`")]
struct Options {
    #[command(flatten)]
    crowd: CrowdArgs,
    #[command(subcommand)]
    part: Option<Part>,
    /// What cargo tells a bench
    #[arg(long, hide = true, global = true)]
    bench: bool,
    /// What `cargo test --benches` asks: only whether it runs
    #[arg(long, hide = true)]
    test: bool,
}

/// How large the crowd is, and how much it gets.
#[derive(Debug, Clone, Args)]
struct CrowdArgs {
    /// Clients that are connected at a time
    #[arg(long, value_name = "N", default_value_t = 10_000, global = true)]
    clients: usize,
    /// Seconds in which each gets an event a second
    #[arg(long, value_name = "SECONDS", default_value_t = 20, global = true)]
    steady: u64,
    /// Bursts after them
    #[arg(long, value_name = "N", default_value_t = 3, global = true)]
    bursts: u64,
    /// Events of a burst, all due at one instant
    #[arg(long, value_name = "N", default_value_t = 50, global = true)]
    burst_events: u64,
    /// Seconds for which a client dials as fast as it can
    #[arg(long, value_name = "SECONDS", default_value_t = 20, global = true)]
    spins: u64,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Only the crowd, beside Node's `ws` and tokio
    Broadcast,
    /// Only the client that dials as fast as it can
    Spin,
    #[command(hide = true)]
    Broadcaster { plan: String },
    #[command(hide = true)]
    Listeners { addr: SocketAddr, plan: String },
    #[command(hide = true)]
    Spinner {
        addr: SocketAddr,
        spin: Spin,
        seconds: u64,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.test {
        return ExitCode::SUCCESS;
    }
    let (broadcast, spin) = match options.part {
        None => (true, true),
        Some(Part::Broadcast) => (true, false),
        Some(Part::Spin) => (false, true),
        Some(part) => return play(part),
    };
    if let Err(sentence) = process::allow_connections(options.crowd.clients) {
        eprintln!("{sentence}");
        return ExitCode::from(2);
    }
    let mut broken = Vec::new();
    if broadcast {
        broken.extend(beside::run(&options.crowd));
    }
    if spin {
        broken.extend(spinning::run(&options.crowd));
    }
    for sentence in &broken {
        println!("BROKEN: {sentence}");
    }
    ExitCode::from(u8::from(!broken.is_empty()))
}

/// Does what this process was started for as a child of the bench.
fn play(part: Part) -> ExitCode {
    let plan = |text: &str| serde_json::from_str::<Plan>(text).expect("a plan");
    let done = match part {
        Part::Broadcaster { plan: text } => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let plan = plan(&text);
            runtime.and_then(|runtime| runtime.block_on(broadcaster::run(&plan)))
        }
        Part::Listeners { addr, plan: text } => listeners::run(addr, plan(&text)),
        Part::Spinner {
            addr,
            spin,
            seconds,
        } => {
            spinner::run(addr, spin, Duration::from_secs(seconds));
            Ok(())
        }
        Part::Broadcast | Part::Spin => Ok(()),
    };
    if let Err(error) = done {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Returns the command for `wstape serve` on the servers' core.
fn wstape(arguments: &[&std::ffi::OsStr]) -> Command {
    let program = std::env::var_os("WSTAPE");
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_wstape").into());
    let mut command = process::on_core(process::SERVERS_CORE, program);
    command.arg("serve").args(arguments);
    command.args(["--listen", "127.0.0.1:0", "--ts", "shift"]);
    command
}

#[expect(clippy::cast_precision_loss, reason = "a figure to show")]
fn ratio(this: u64, that: u64) -> f64 {
    this as f64 / that.max(1) as f64
}
