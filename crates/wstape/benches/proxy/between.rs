//! What stands between engine and subscriber: nothing, a relay, our proxy, mitmproxy.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The argument that makes this binary the relay.
pub(crate) const RELAY: &str = "--relay";
/// What our proxy and the relay print first.
const LISTENING: &str = "listening on ws://";
/// How many bytes the relay reads at once: as many as our proxy.
const RELAY_BUFFER_BYTES: usize = 64 << 10;
/// The longest that mitmproxy may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Nothing,
    Relay,
    Proxy,
    /// Our proxy, told to slow the traffic down rather than lose frames.
    Lossless,
    /// Another build of our proxy: a program with a verb `proxy`.
    Other(PathBuf),
    Mitmproxy(PathBuf),
}

/// The result of a recording, and its cost.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// Frames that are not on the tape.
    pub(crate) missing: usize,
    /// The most memory that was in use, if the system tells.
    pub(crate) peak_kib: Option<u64>,
    /// Processor time in all, including the check of the finished tape, if the system tells.
    pub(crate) seconds: Option<f64>,
}

/// Returns the most memory that a process has had in use so far (`proc_pid_status(5)`).
fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The processor time of all children that have ended (`proc_pid_stat(5)`, fields 16 and 17).
fn children_seconds() -> Option<f64> {
    /// The ticks per second in which Linux reports times.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing between",
            Self::Relay => "bare relay",
            Self::Proxy => "wstape proxy",
            Self::Lossless => "proxy --lossless",
            Self::Other(_) => "the other build",
            Self::Mitmproxy(_) => "mitmproxy",
        }
    }
}

pub(crate) struct Between {
    addr: SocketAddr,
    child: Option<Child>,
    /// Where our proxy's tape is.
    tape: Option<(TempDir, PathBuf)>,
    /// Where mitmproxy's flows are while it runs.
    flows: Option<TempDir>,
}

impl Between {
    pub(crate) fn start(kind: &Kind, engine: SocketAddr) -> Self {
        let mut between = Self {
            addr: engine,
            child: None,
            tape: None,
            flows: None,
        };
        match kind {
            Kind::Nothing => {}
            Kind::Relay => {
                let mut command = Command::new(std::env::current_exe().expect("this binary"));
                command.args([RELAY, "127.0.0.1:0", &engine.to_string()]);
                between.announced(command);
            }
            Kind::Proxy | Kind::Lossless | Kind::Other(_) => {
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("tape.jsonl");
                let mut command = match kind {
                    Kind::Other(program) => Command::new(program),
                    _ => Command::new(env!("CARGO_BIN_EXE_wstape")),
                };
                command
                    .args(["proxy", "--quiet", "--listen", "127.0.0.1:0", "--upstream"])
                    .arg(format!("ws://{engine}"))
                    .arg("--out")
                    .arg(&path)
                    .args(matches!(kind, Kind::Lossless).then_some("--lossless"));
                between.announced(command);
                between.tape = Some((folder, path));
            }
            Kind::Mitmproxy(mitmdump) => {
                let folder = tempfile::tempdir().expect("a folder");
                // It doesn't print a port that it picked itself.
                let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
                between.addr = port.expect("a free port");
                let child = Command::new(mitmdump)
                    .args(["--quiet", "--mode", &format!("reverse:http://{engine}")])
                    .args(["--listen-host", "127.0.0.1", "--listen-port"])
                    .arg(between.addr.port().to_string())
                    .arg("--set")
                    .arg(format!("confdir={}", folder.path().display()))
                    .arg("--save-stream-file")
                    .arg(folder.path().join("flows"))
                    .stdout(Stdio::null())
                    .spawn();
                between.child = Some(child.expect("mitmdump runs"));
                between.flows = Some(folder);
                listens(between.addr);
            }
        }
        between
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends it; returns how many frames are missing from its tape.
    pub(crate) fn finish(self, frames: usize) -> usize {
        self.finish_weighed(frames).missing
    }

    /// Ends it; returns the result of recording this many frames, and its cost.
    pub(crate) fn finish_weighed(mut self, frames: usize) -> Recorded {
        let Some(mut child) = self.child.take() else {
            return Recorded::default();
        };
        let pid = Pid::from_child(&child);
        let peak_kib = peak_kib(child.id());
        let before = children_seconds();
        kill_process(pid, Signal::TERM).expect("it runs");
        child.wait().expect("it ends");
        let seconds = before
            .zip(children_seconds())
            .map(|(before, now)| now - before);
        let Some((_folder, path)) = self.tape.take() else {
            return Recorded {
                missing: 0,
                peak_kib,
                seconds,
            };
        };
        let mut tape = BufReader::new(File::open(&path).expect("a tape"));
        let (mut kept, mut line) = (0, String::new());
        let mut whole = false;
        while tape.read_line(&mut line).expect("a tape") > 0 {
            kept += usize::from(line.contains("\"emit\":"));
            whole = line.ends_with(",\"end\":true}\n");
            line.clear();
        }
        assert!(whole, "a whole tape");
        Recorded {
            missing: frames - kept,
            peak_kib,
            seconds,
        }
    }

    /// Starts a process that prints in its first line where it listens.
    fn announced(&mut self, mut command: Command) {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let addr = line.trim_end().strip_prefix(LISTENING);
        self.addr = addr.and_then(|addr| addr.parse().ok()).expect(LISTENING);
        self.child = Some(child);
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        drop(self.flows.take());
    }
}

/// Waits until somebody listens, without connecting through to the engine.
fn listens(addr: SocketAddr) {
    let start = Instant::now();
    while TcpListener::bind(addr).is_ok() {
        assert!(start.elapsed() < START_TIMEOUT, "mitmdump does not listen");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the path of mitmproxy's `mitmdump`, if there is one.
pub(crate) fn mitmdump() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MITMDUMP") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("mitmdump"))
        .find(|file| file.is_file())
}

/// Runs a relay that looks at nothing and records nothing: the least that standing between costs.
pub(crate) fn relay(listen: &str, upstream: &str) -> ! {
    let upstream: SocketAddr = upstream.parse().expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await;
        let listener = listener.expect("a free port");
        println!("{LISTENING}{}", listener.local_addr().expect("it listens"));
        loop {
            let (mut client, _) = listener.accept().await.expect("a client");
            tokio::spawn(async move {
                let mut engine = tokio::net::TcpStream::connect(upstream)
                    .await
                    .expect("an engine");
                client.set_nodelay(true).expect("a socket");
                engine.set_nodelay(true).expect("a socket");
                let copied = tokio::io::copy_bidirectional_with_sizes(
                    &mut client,
                    &mut engine,
                    RELAY_BUFFER_BYTES,
                    RELAY_BUFFER_BYTES,
                );
                // It has ended, no matter how.
                let _ = copied.await;
            });
        }
    })
}
