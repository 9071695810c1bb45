//! What a tape that never began expects of clients: a run to which nobody came has not passed.

use wstape_mock_engine::StartAt;
use wstape_tape::{Action, TapeReader};

use super::options::Serve;

/// The location of this engine's first `expect` that can be judged here: `FILE:LINE`. Input that is
/// not a file can only be read once, so it is not searched.
pub(super) fn first(serve: &Serve, engine: Option<&str>) -> Option<String> {
    serve
        .tapes()
        .filter(|path| path.is_file())
        .find_map(|path| {
            // It was checked at the start.
            let steps = TapeReader::open(path).ok()?.map_while(Result::ok);
            let mut expectations = steps.filter(|step| match &step.action {
                Action::Expect(expect) => expect.received.is_some() || expect.message.is_some(),
                _ => false,
            });
            let theirs = expectations.find(|step| step.is_of_engine(engine));
            theirs.map(|step| format!("{}:{}", path.display(), step.line))
        })
}

/// Why the tape never began.
pub(super) fn why(serve: &Serve) -> String {
    match serve.start.0 {
        StartAt::Connections(many) => {
            format!("the tape waits for {many} clients to connect, and never started")
        }
        _ => "nobody connected, so the tape never started".to_owned(),
    }
}
