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
        asks: "There is one connection at a time, and an old one changes no state once a new one exists.",
        because: "Two readers of one mirror overwrite each other.",
        of_anyone: "The same: no dial while a connection is still open.",
        look_at: "where the loop dials: does it drop the old stream first, and can two loops run at once?",
    },
    Meaning {
        asks: "Each end of a connection leads to exactly one reconnect, unless it was a shutdown.",
        because: "A client that gives up needs a person; one that dials twice doubles the load.",
        of_anyone: "A dial follows each end within 120 s, or the declared bound; the future never ends by itself.",
        look_at: "what the loop does with an error or an end: is there a `return`, a `?` or a limit on retries?",
    },
    Meaning {
        asks: "Each gap is what the backoff gives: exact without jitter, within bounds with jitter.",
        because: "A wrong delay is a storm, or an outage that lasts longer than it must.",
        of_anyone: "At most 20 dials within a second. Growth, cap and jitter are judged if a backoff is declared.",
        look_at: "the `sleep` before a dial: does every path back to the dial go through it, and does the delay grow as it should?",
    },
    Meaning {
        asks: "The backoff resets exactly when it should: at the first frame of a connection.",
        because: "Reset too early, it hammers a sick server; never reset, it punishes a healthy one.",
        of_anyone: "Judged if a backoff is declared, against the reset that it declares.",
        look_at: "where the delay is reset: at the upgrade, at the first message, or never?",
    },
    Meaning {
        asks: "Shutdown, called at any moment, ends within its bound and leaves nothing behind: no stream, no task, no dial.",
        because: "A service that does not stop gets killed mid-write.",
        of_anyone: "The same, within 10 s. A function's shutdown is the end of its task: what it spawned must end too.",
        look_at: "awaits that ignore the shutdown, and tasks that are spawned and forgotten",
    },
    Meaning {
        asks: "A silent peer is declared lost within the bound, and never earlier. Pings are sent when due.",
        because: "A half-open link sends nothing: only a timer sees it.",
        of_anyone: "Judged if a liveness bound is declared: a silent connection is dropped within it.",
        look_at: "what the read waits for: is there a timeout around it, and does it cover the dial and the handshake?",
    },
    Meaning {
        asks: "Each Ping is answered, with its payload or a later Ping's. A Close is answered with a Close.",
        because: "Servers cut clients that do not answer.",
        of_anyone: "The same, within 10 s, as long as the answer can still arrive.",
        look_at: "whether the stream is still read, and the answer flushed, while the program is busy or shutting down",
    },
    Meaning {
        asks: "A receiver hears what the link delivered, except for what it is told it missed.",
        because: "Silently lost events are the worst kind.",
        of_anyone: "Not judged: what another subscriber tells its receivers is up to it.",
        look_at: "the channel between reader and receivers: what happens when it is full?",
    },
    Meaning {
        asks: "The mirror equals the model's fold, at every step.",
        because: "The mirror must never show a lie.",
        of_anyone: "Judged if the subject shows a mirror and brings a model: the mirror must equal the fold of what was delivered.",
        look_at: "the function that folds a message into the mirror, at the message before the marked moment",
    },
    Meaning {
        asks: "The record of the connection agrees with what happened, at every step.",
        because: "It is what an operator reads first.",
        of_anyone: "Judged if the subject shows a record: it must say connected while, and only while, a connection is open.",
        look_at: "where the record is written: before or after the await that changes the truth?",
    },
    Meaning {
        asks: "Once faults stop, the subscriber is connected again and equal to the model within a bound.",
        because: "Recovery is the point of a subscriber that reconnects.",
        of_anyone: "A connection delivers something within 240 s, or the declared bound.",
        look_at: "the last dial or connection in the trace: what does the program wait for there?",
    },
    Meaning {
        asks: "Each undecodable message is counted, no more, no fewer.",
        because: "The count shows that the engine changed.",
        of_anyone: "Judged if the subject counts them in its record, and its model says which they are.",
        look_at: "the branch for messages that do not parse",
    },
    Meaning {
        asks: "The write queue and the size of a message are bounded. No panic, no hang, no leaked task.",
        because: "A peer must not be able to take the process down.",
        of_anyone: "The same: at most 1 MiB waits to be written, and at most 4 streams are held. Memory is judged if the binary installs wstape::Allocator.",
        look_at: "the line that the panic names, or a lock, a blocking call or a loop without an await",
    },
    Meaning {
        asks: "No log line contains a secret. The token goes to no other host.",
        because: "Logs are copied and shared.",
        of_anyone: "No dial to another host, and no secret from the URL in a log line of the subject's own crate; those of dependencies are reported.",
        look_at: "log lines that contain the URL, the request or an error's `Debug`",
    },
    Meaning {
        asks: "A crowd that was dropped together, with jitter, comes back spread out: no window of 100 ms holds more than three times its share.",
        because: "A crowd that marches in step brings the server down again.",
        of_anyone: "Judged if a backoff with jitter is declared.",
        look_at: "where the jitter is drawn: from one seed for all, or from too narrow a range?",
    },
    Meaning {
        asks: "The same case gives the same trace.",
        because: "What cannot be repeated cannot be fixed.",
        of_anyone: "Judged if the subject declares it; otherwise only if the engine's side differs first, which is the engine's fault.",
        look_at: "random numbers, the wall clock, the order of a hash map",
    },
];
