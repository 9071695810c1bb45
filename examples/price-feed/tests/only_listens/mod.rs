//! A rule of this subscriber's own: it sends nothing but control frames, because the feed takes no
//! orders on this socket.

use wstape::{Fact, Message, OwnName, OwnRule, What};

/// Holds as long as the subscriber sends no text and no bytes.
#[derive(Debug, Clone, Default)]
pub struct OnlyListens {
    connections: u64,
    broken: Option<String>,
}

impl OwnRule for OnlyListens {
    fn name(&self) -> OwnName {
        OwnName::new("only-listens", "it sends nothing but control frames")
    }

    fn observe(&mut self, fact: &Fact<'_>) {
        match fact.what {
            What::Answered(101) => self.connections += 1,
            What::Sent(Message::Text(text)) => {
                self.broken = Some(format!("expected control frames alone, found {text:?}"));
            }
            What::Sent(Message::Binary(bytes)) => {
                let bytes = bytes.len();
                self.broken = Some(format!("expected control frames alone, found {bytes} bytes"));
            }
            _ => {}
        }
    }

    fn verdict(&self) -> Result<u64, String> {
        self.broken.clone().map_or(Ok(self.connections), Err)
    }
}
