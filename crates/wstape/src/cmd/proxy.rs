//! `wstape proxy`.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use engine_client::{NetDialer, Target};
use tokio::net::{TcpListener, lookup_host};
use wstape_recorder::{NetReach, Proxy};

use super::announce::{Unannounced, announce};
use super::live::{LiveArgs, Recorded};
use crate::progress::Progress;

#[derive(Debug, Args)]
#[command(after_help = "\
The first line on standard output (on standard error with --out -) is the address to connect to, \
such as `listening on ws://127.0.0.1:9000`. Subscribers dial it instead of the engine, with the \
same path, token and subprotocols: what they send is forwarded unchanged.\n\
\n\
If the engine can't be reached, the dialing subscriber gets a reset, and the tape a `mark`. Ctrl-C \
ends the recording and cuts open connections. Exit status: 0 recorded; 1 frames are missing from \
the tape (never from the traffic), or a bug in the proxy cut a connection; 2 bad usage or input, \
an \
output that can't be written, a bad certificate, or an upstream that does not speak WebSocket.")]
pub(crate) struct ProxyArgs {
    /// The address to listen on, such as 127.0.0.1:9000; port 0 picks a free port.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,

    /// The engine: a ws:// or wss:// URL. Only its scheme, host and port are used; paths come from
    /// the subscribers.
    #[arg(long, value_name = "URL")]
    upstream: String,

    /// Set the Host header of requests to the engine's host, for virtual hosts. Nothing else is
    /// ever rewritten.
    #[arg(long)]
    rewrite_host: bool,

    /// Slow the traffic down to the speed of the disk instead of leaving frames out of the tape.
    #[arg(long)]
    lossless: bool,

    #[command(flatten)]
    live: LiveArgs,
}

impl ProxyArgs {
    pub(crate) fn run(&self) -> ExitCode {
        self.live.run(async |clock| {
            let redactor = self.live.redaction.redactor()?;
            let proxy = Proxy::new(&self.upstream, redactor)?
                .rewrite_host(self.rewrite_host)
                .lossless(self.lossless)
                .clock(Arc::clone(&clock));
            let until = self.live.until.wait(&clock)?;
            let listener = TcpListener::bind(self.listen)
                .await
                .map_err(|error| format!("--listen {}: {}", self.listen, taken(&error)))?;
            let reach = NetReach::new(NetDialer::new(), proxy.upstream().clone());
            let listening = listener.local_addr()?;
            if is_own(proxy.upstream(), listening).await {
                return Err(format!(
                    "--upstream {}: that is this proxy itself, at {listening}; give the engine's \
                     own address",
                    proxy.upstream()
                )
                .into());
            }
            proxy.check(&reach).await?;
            let output = self.live.output.growing(&self.live.fsync)?;
            self.announce(listening)?;
            let quiet = self.live.output.quiet;
            let progress = Progress::live(output.stats(), clock, quiet);
            let mut aloud = progress.aloud();
            let proxy = proxy.remarks(move |remark| {
                if !quiet {
                    aloud(remark);
                }
            });
            let recording = proxy.run(listener, reach, output, until);
            let summary = progress.during(recording).await?;
            Ok(Recorded {
                counts: summary.counts,
                unreached: summary.unreached.clone(),
                summary,
            })
        })
    }

    fn announce(&self, addr: SocketAddr) -> Result<(), Unannounced> {
        let line = format!("listening on ws://{addr}\n");
        if self.live.output.file().is_some() {
            return announce(&line);
        }
        Ok(io::stderr().write_all(line.as_bytes())?)
    }
}

/// Whether the engine is the proxy that listens there. A name that can't be resolved is not the
/// proxy now, but may be later.
async fn is_own(engine: &Target, listening: SocketAddr) -> bool {
    let found = lookup_host((engine.host(), engine.port())).await;
    found.is_ok_and(|mut found| found.any(|addr| leads_back(addr, listening)))
}

/// Whether dialling this address reaches the listener there.
fn leads_back(dialed: SocketAddr, listening: SocketAddr) -> bool {
    let everywhere = listening.ip().is_unspecified()
        && (dialed.ip().is_loopback() || dialed.ip().is_unspecified());
    dialed.port() == listening.port() && (dialed.ip() == listening.ip() || everywhere)
}

/// Why a port is not available, and what to do if that is known.
fn taken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is taken; choose another, or 0 for any free port".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_the_proxy_where_it_listens_there_or_everywhere() {
        for (dialed, listening, expected) in [
            ("127.0.0.1:9000", "127.0.0.1:9000", true),
            ("127.0.0.1:9000", "0.0.0.0:9000", true),
            ("[::1]:9000", "[::]:9000", true),
            ("127.0.0.1:9001", "127.0.0.1:9000", false),
            ("127.0.0.2:9000", "127.0.0.1:9000", false),
            ("192.0.2.7:9000", "0.0.0.0:9000", false),
        ] {
            let addr = |text: &str| text.parse().expect("an address");
            assert_eq!(
                leads_back(addr(dialed), addr(listening)),
                expected,
                "{dialed}"
            );
        }
    }
}
