//! `partition`: bytes are held without FIN or RST.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, words};

/// Which directions a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// Both ways.
    Both,
    /// Engine to client only.
    ToClient,
    /// Client to engine only.
    FromClient,
    /// Healed: what was held bursts out.
    None,
}

words!(Partition {
    Both = "both",
    ToClient = "to_client",
    FromClient = "from_client",
    None = "none",
});

impl Spec for Partition {
    type Value = Self;
    const KEY: &'static str = "partition";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        field.word()
    }

    fn write(partition: &Self, pen: &mut Pen) {
        pen.string(Self::KEY, partition.word());
    }

    fn words(partition: &Self) -> Cow<'static, str> {
        format!("partition {}", partition.word()).into()
    }

    fn clears(partition: &Self) -> bool {
        *partition == Self::None
    }

    fn simpler(partition: &Self) -> Vec<Self> {
        match partition {
            Self::ToClient | Self::FromClient => vec![Self::Both],
            Self::Both | Self::None => Vec::new(),
        }
    }
}
