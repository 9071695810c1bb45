//! A subject's own rule.

use crate::fact::Fact;
use crate::rule::OwnName;

/// A rule of the subject's own. It takes part in chaos, shrinking and every report under its own
/// name. A new one is made for each case.
///
/// ```
/// use wstape_oracle::{Fact, Message, OwnName, OwnRule, What};
///
/// /// Subscribes again on every connection, before anything else is sent.
/// #[derive(Debug, Clone, Default)]
/// struct SubscribesFirst {
///     connections: u64,
///     waits: bool,
///     broken: Option<String>,
/// }
///
/// impl OwnRule for SubscribesFirst {
///     fn name(&self) -> OwnName {
///         OwnName::new("subscribes-first", "each connection begins with a subscription")
///     }
///
///     fn observe(&mut self, fact: &Fact<'_>) {
///         match fact.what {
///             What::Answered(101) => {
///                 self.connections += 1;
///                 self.waits = true;
///             }
///             What::Sent(Message::Text(text)) if std::mem::take(&mut self.waits) => {
///                 if !text.contains("subscribe") {
///                     self.broken = Some(format!("expected a subscription first, found {text}"));
///                 }
///             }
///             _ => {}
///         }
///     }
///
///     fn verdict(&self) -> Result<u64, String> {
///         self.broken.clone().map_or(Ok(self.connections), Err)
///     }
/// }
/// ```
pub trait OwnRule: Send {
    /// Its name in reports, and what it asks in a few words.
    fn name(&self) -> OwnName;

    /// Takes in something that happened. Facts come in order; the last is
    /// [`What::Over`](crate::What::Over).
    fn observe(&mut self, fact: &Fact<'_>);

    /// Its verdict so far, asked after every fact: how often it had something to judge, or what was
    /// expected and found. After the first `Err` it is not asked again. A rule that never had
    /// anything to judge makes a run inconclusive, not green.
    ///
    /// # Errors
    /// What was expected and what was found, in a sentence.
    fn verdict(&self) -> Result<u64, String>;
}
