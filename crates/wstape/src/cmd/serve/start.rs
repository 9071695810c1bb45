//! When the tape served by `serve` begins.

use std::str::FromStr;

use wstape_mock_engine::StartAt;

/// When the tape begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start(pub(super) StartAt);

impl FromStr for Start {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let at = match text {
            "first-connection" => StartAt::FirstConnection,
            "now" => StartAt::Now,
            _ => {
                let many = text.strip_prefix("connections:").map(str::parse);
                match many {
                    Some(Ok(many)) if many > 0 => StartAt::Connections(many),
                    _ => {
                        return Err("expected first-connection, now, or connections:N such as \
                             connections:16");
                    }
                }
            }
        };
        Ok(Self(at))
    }
}
