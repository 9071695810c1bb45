//! What each rule asks and why, in sentences, for reports and `--explain`.

use super::Rule;

/// What a rule asks, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What it asks of a subscriber.
    pub asks: &'static str,
    /// Why that matters.
    pub because: &'static str,
    /// What it asks of a subscriber that doesn't give the contract's settings.
    pub of_anyone: &'static str,
    /// Where in a subscriber's code to look when it breaks.
    pub look_at: &'static str,
}

impl Rule {
    /// What it asks and why; `None` for a subject's own rule, which says so itself.
    #[must_use]
    pub fn meaning(self) -> Option<&'static Meaning> {
        self.index().map(|index| &MEANINGS[index])
    }
}

/// In the order of [`Rule::ALL`].
static MEANINGS: [Meaning; Rule::ALL.len()] = [
    Meaning {
        asks: "There is one connection at a time, and nothing of an old one changes state once a new one exists.",
        because: "Two readers of one mirror overwrite each other.",
        of_anyone: "The same: no dial while a connection is open that nothing has ended.",
        look_at: "where the loop dials: does it drop the old stream first, and can two loops run at once?",
    },
    Meaning {
        asks: "Each end but a shutdown's leads to exactly one reconnect.",
        because: "A client that gives up needs a person; one that dials twice doubles the load.",
        of_anyone: "A dial follows each end within 120 s, or the bound that is declared; the future never ends by itself.",
        look_at: "what the loop does with an error or an end: is there a `return`, a `?` or a limit of tries?",
    },
    Meaning {
        asks: "Each gap is what the backoff gives: exact without jitter, within its bounds with it.",
        because: "A wrong delay is a storm, or an outage that lasts longer than it must.",
        of_anyone: "At most 20 dials within a second. Growth, cap and jitter are judged where a backoff is declared.",
        look_at: "the `sleep` before a dial: does every way back to the dial pass it, and does the delay grow as it should?",
    },
    Meaning {
        asks: "The backoff starts anew exactly when it should: at the first frame of a connection.",
        because: "Reset too early it hammers a sick server; never reset it punishes a healthy one.",
        of_anyone: "Judged where a backoff is declared, by the reset that it declares.",
        look_at: "where the delay is set back: at the upgrade, at the first message, or never?",
    },
    Meaning {
        asks: "Shutdown, called at any moment, ends within its bound and leaves nothing: no stream, no task, no dial.",
        because: "A service that does not stop gets killed in mid-write.",
        of_anyone: "The same, within 10 s. A function's shutdown is the end of its task: what it spawned must end too.",
        look_at: "what is awaited without looking at the shutdown, and tasks that are spawned and forgotten",
    },
    Meaning {
        asks: "A silent peer is lost within the bound, and never earlier. Pings go out when they are due.",
        because: "A half-open link sends nothing: only a timer sees it.",
        of_anyone: "Judged where a liveness bound is declared: a connection that brings nothing is dropped within it.",
        look_at: "what the read waits for: is there a timeout around it, and does it cover the dial and the handshake?",
    },
    Meaning {
        asks: "Each Ping is answered, with its payload or a later Ping's. A Close is answered with a Close.",
        because: "Servers cut those who do not answer.",
        of_anyone: "The same, within 10 s, while anybody can hear the answer.",
        look_at: "whether the stream is still read, and the answer flushed, while the program is busy or ends",
    },
    Meaning {
        asks: "What a receiver heard is what the link delivered, but for what it was told it missed.",
        because: "Events lost without a word are the worst kind.",
        of_anyone: "Not judged: what another subscriber tells its receivers is its own.",
        look_at: "the channel between reader and receivers: what happens where it is full?",
    },
    Meaning {
        asks: "The mirror equals the model's fold, at every step.",
        because: "The mirror never shows a lie.",
        of_anyone: "Judged where the subject shows a mirror and brings a model: the mirror must equal the fold of what was delivered.",
        look_at: "the function that folds a message into the mirror, at the message before the marked moment",
    },
    Meaning {
        asks: "The record of the connection agrees with what happened, at every step.",
        because: "It is what an operator reads first.",
        of_anyone: "Judged where the subject shows a record: connected while, and only while, a connection is open.",
        look_at: "where the record is written: before or after the await that changes the truth?",
    },
    Meaning {
        asks: "Once faults stop, it is connected again and equal to the model within a bound.",
        because: "Recovery is the point of a subscriber that reconnects.",
        of_anyone: "A connection brings something within 240 s, or the bound that is declared.",
        look_at: "the last dial or connection in the trace: what does the program wait for there?",
    },
    Meaning {
        asks: "Each undecodable message is counted, no more, no fewer.",
        because: "The count is how one notices that the engine changed.",
        of_anyone: "Judged where the subject counts them in its record, and its model says which they are.",
        look_at: "the branch that a message takes which does not parse",
    },
    Meaning {
        asks: "What waits to be written, and what a message may hold, is bounded. No panic, no hang, no task left.",
        because: "A peer must not be able to take the process down.",
        of_anyone: "The same: at most 1 MiB waits to be written, and 4 streams are held. Memory is bounded where the binary installs wstape::Allocator.",
        look_at: "the line that the panic names; or a lock, a blocking call or a loop without an await",
    },
    Meaning {
        asks: "No secret stands in any log line. The token goes to no other host.",
        because: "Logs are copied and shared.",
        of_anyone: "No dial of another host, and no secret of the URL in a log line of the subject's own crate; a dependency's are named.",
        look_at: "log lines with the URL, the request or an error's `Debug` in them",
    },
    Meaning {
        asks: "A crowd that was dropped together, with jitter, comes back spread out: no stretch of 100 ms holds more than three times its share.",
        because: "A crowd that marches in step brings the server down again.",
        of_anyone: "Judged where a backoff with jitter is declared.",
        look_at: "where the jitter is drawn: from one seed for all, or from too narrow a range?",
    },
    Meaning {
        asks: "The same case gives the same trace.",
        because: "What cannot be repeated cannot be mended.",
        of_anyone: "Judged where the subject declares it; else only where the engine's side differs first, which is a fault of the engine.",
        look_at: "random numbers, the wall clock, the order of a hash map",
    },
];
