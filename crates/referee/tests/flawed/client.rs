//! A small subscriber as a process, and the flaws that it can be given.

use std::env;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use wstape_referee::Healthy;

/// What is wrong with the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// It dials again at once.
    NoWait,
    /// It waits equally long each time.
    ConstantWait,
    /// Its waits are uneven, but no longer late than early.
    UnevenWait,
    /// It takes the first refusal as final.
    GivesUpAtFirst,
    /// It sends no Pings and waits for ever.
    Blind,
    /// It prints the token.
    PrintsToken,
    /// It ignores SIGTERM.
    IgnoresTerm,
    /// It leaves without a Close.
    LeavesAtOnce,
    /// It waits with a loop that polls.
    Polls,
    /// It ends itself by a signal at the first loss.
    Aborts,
    /// It ends at once.
    EndsAtOnce,
    /// It dials nobody, and stays.
    DialsNobody,
    /// Nothing: it asks for streams, and asks again on each connection.
    Subscribes,
    /// It asks for streams on its first connection, and on no other.
    ForgetsStreams,
    /// It asks for one stream more often with each connection.
    AsksOften,
    /// It keeps the socket of each connection.
    KeepsSockets,
}

impl Flaw {
    pub(crate) const ALL: [Self; 17] = [
        Self::None,
        Self::NoWait,
        Self::ConstantWait,
        Self::UnevenWait,
        Self::GivesUpAtFirst,
        Self::Blind,
        Self::PrintsToken,
        Self::IgnoresTerm,
        Self::LeavesAtOnce,
        Self::Polls,
        Self::Aborts,
        Self::EndsAtOnce,
        Self::DialsNobody,
        Self::Subscribes,
        Self::ForgetsStreams,
        Self::AsksOften,
        Self::KeepsSockets,
    ];

    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    /// Returns the tape of an engine that treats it well.
    pub(crate) fn healthy(self) -> Healthy {
        match self {
            Self::Subscribes | Self::ForgetsStreams | Self::AsksOften => {
                Healthy::find("jsonrpc").expect("a tape that comes along")
            }
            _ => Healthy::default(),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// The first gap, and the longest one that it doubles to.
const FIRST_GAP: Duration = Duration::from_millis(250);
const MAX_GAP: Duration = Duration::from_secs(8);
/// Waits that look random but are the same early and late, so that chance decides no test.
const UNEVEN_WAITS_MS: [u64; 4] = [300, 900, 600, 100];
/// The longest that a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Silence of this length is a loss; half of it, a Ping.
const SILENCE: Duration = Duration::from_secs(6);

/// Runs as the client, for as long as nobody ends it.
pub(crate) fn run(flaw: &str) {
    let flaw = Flaw::named(flaw).expect("a flaw");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(subscribe(flaw));
}

async fn subscribe(flaw: Flaw) {
    let url = env::var("ENGINE_URL").expect("ENGINE_URL");
    let token = env::var("ENGINE_TOKEN").expect("ENGINE_TOKEN");
    match flaw {
        Flaw::EndsAtOnce => return,
        Flaw::DialsNobody => std::future::pending::<()>().await,
        Flaw::PrintsToken => println!("dialling {url} with {token}"),
        _ => {}
    }
    let terminate = tokio::signal::unix::SignalKind::terminate();
    let mut term = tokio::signal::unix::signal(terminate).expect("a signal");
    let mut gap = FIRST_GAP;
    for attempt in 0_u32.. {
        let told = async {
            term.recv().await;
            if flaw == Flaw::IgnoresTerm {
                std::future::pending::<()>().await;
            }
        };
        let asks = asks(flaw, attempt);
        let (lived, term_came) = session(flaw, &url, &token, &asks, told).await;
        if term_came {
            return;
        }
        match flaw {
            Flaw::Aborts => std::process::abort(),
            Flaw::GivesUpAtFirst if attempt == 0 && !lived => return,
            _ => {}
        }
        gap = if lived {
            FIRST_GAP
        } else {
            (gap * 2).min(MAX_GAP)
        };
        if wait(flaw, gap, attempt, &mut term).await {
            return;
        }
    }
}

/// Returns what it asks for on a connection, after this many earlier ones.
fn asks(flaw: Flaw, attempt: u32) -> Vec<String> {
    let ask = |id: u32, channels: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"public/subscribe","params":{{"channels":[{channels}]}}}}"#
        )
    };
    let first = || ask(2 * attempt, r#""trades.BTC","trades.ETH""#);
    let second = || ask(2 * attempt + 1, r#""book.BTC""#);
    match flaw {
        Flaw::Subscribes => vec![first(), second()],
        Flaw::ForgetsStreams | Flaw::AsksOften if attempt == 0 => vec![first(), second()],
        // From the second connection on it asks for all of them in one message, which is the same.
        Flaw::AsksOften => {
            let all = r#""book.BTC","trades.ETH","trades.BTC""#;
            vec![ask(attempt, all), second()]
        }
        _ => Vec::new(),
    }
}

/// Waits for the gap; returns whether it was told to end meanwhile.
async fn wait(
    flaw: Flaw,
    gap: Duration,
    attempt: u32,
    term: &mut tokio::signal::unix::Signal,
) -> bool {
    match flaw {
        Flaw::NoWait => return false,
        Flaw::Polls => {
            let until = std::time::Instant::now() + gap;
            while std::time::Instant::now() < until {
                std::hint::spin_loop();
            }
            return false;
        }
        _ => {}
    }
    let gap = match flaw {
        Flaw::ConstantWait => FIRST_GAP * 2,
        Flaw::UnevenWait => {
            let mut waits = UNEVEN_WAITS_MS.into_iter().cycle();
            Duration::from_millis(waits.nth(attempt as usize).unwrap_or_default())
        }
        // So that many connections fit into a test.
        Flaw::KeepsSockets => FIRST_GAP / 25,
        // Between half the gap and all of it: copies and attempts differ.
        _ => {
            gap.mul_f64(0.5 + 0.5 * f64::from((std::process::id() ^ (attempt * 7919)) % 97) / 97.0)
        }
    };
    tokio::select! {
        () = sleep(gap) => false,
        _ = term.recv() => flaw != Flaw::IgnoresTerm,
    }
}

/// Runs one connection; returns whether a message came on it, and whether it was told to end.
async fn session(
    flaw: Flaw,
    url: &str,
    token: &str,
    asks: &[String],
    told: impl Future<Output = ()>,
) -> (bool, bool) {
    let mut told = std::pin::pin!(told);
    let mut request = url.into_client_request().expect("a URL");
    let bearer = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert("authorization", bearer);
    let dial = timeout(HANDSHAKE, tokio_tungstenite::connect_async(request));
    let socket = tokio::select! {
        dialled = dial => match dialled {
            Ok(Ok((socket, _))) => socket,
            _ => return (false, false),
        },
        () = &mut told => return (false, true),
    };
    if flaw == Flaw::KeepsSockets {
        keep(socket).await;
        return (true, false);
    }
    let (mut writer, mut reader) = socket.split();
    for ask in asks {
        if writer.send(Message::text(ask)).await.is_err() {
            return (false, false);
        }
    }
    let mut lived = false;
    let mut heard = Instant::now();
    let mut pinged = false;
    loop {
        let due = heard + if pinged { SILENCE } else { SILENCE / 2 };
        let read = async {
            if flaw == Flaw::Blind {
                Ok(reader.next().await)
            } else {
                timeout_at(due, reader.next()).await
            }
        };
        let read = tokio::select! {
            read = read => read,
            () = &mut told => {
                if flaw != Flaw::LeavesAtOnce {
                    let _ = timeout(HANDSHAKE, writer.send(Message::Close(None))).await;
                }
                return (lived, true);
            }
        };
        match read {
            Err(_) if pinged => return (lived, false),
            Err(_) => {
                pinged = true;
                if writer.send(Message::Ping(vec![1].into())).await.is_err() {
                    return (lived, false);
                }
            }
            Ok(Some(Ok(message))) => {
                lived |= message.is_text();
                (heard, pinged) = (Instant::now(), false);
            }
            Ok(Some(Err(_)) | None) => return (lived, false),
        }
    }
}

/// Reads until the connection ends, and leaves the socket open for good.
async fn keep<S>(mut socket: tokio_tungstenite::WebSocketStream<S>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(Ok(_)) = socket.next().await {}
    std::mem::forget(socket);
}
