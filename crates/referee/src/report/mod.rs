//! The findings, and how they are written down.

mod compare;
mod ctrf;
mod expect;
mod html;
mod junit;
mod rows;
mod summary;
mod terminal;

pub use self::compare::compare;
pub use self::expect::{Changes, Expected};
pub use self::rows::{RESULTS_VERSION, Report, Row, RunReport, TokenUse};
