//! `--planted`: whether chaos finds what it should.

use harness::chaos::Ending;

use super::Options;

pub(super) fn run(_options: &Options) -> Result<Ending, String> {
    Err("no planted flaws yet".to_owned())
}
