//! The open positions.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::object::{Object, Read};
use super::slot::Slot;

/// One open position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Position {
    /// What is held, such as `BTC`; `coin` on the engine's bus.
    pub symbol: String,
    /// `long` or `short`, in the engine's spelling; `direction` on the engine's bus.
    pub side: String,
    /// How many coins; `size_coins` on the engine's bus.
    pub size: f64,
    /// Price at entry, in dollars; `entry_price` on the engine's bus.
    pub entry: f64,
    /// Price now, in dollars.
    pub mark: Option<f64>,
    /// Profit so far, in dollars.
    pub unrealized_pnl: Option<f64>,
    /// Profit so far, in multiples of the risk taken.
    pub unrealized_r: Option<f64>,
    /// Price of the stop, in dollars.
    pub stop: Option<f64>,
    /// Price of the target, in dollars.
    pub target: Option<f64>,
    /// The lens that opened it.
    pub lens_id: Option<String>,
    /// How long it has been open, in seconds.
    pub age_s: Option<f64>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    Position,
    "a position object",
    {
        symbol | coin,
        side | direction,
        size | size_coins,
        entry | entry_price,
        mark,
        unrealized_pnl,
        unrealized_r,
        stop,
        target,
        lens_id,
        age_s,
    },
    extra: extra
);

/// All open positions. On the wire: an object that names them `items` or `positions`, or the bare
/// list; each must be an object with at least one known field.
///
/// ```
/// use engine_client::models::Positions;
///
/// let bare: Positions = serde_json::from_str(r#"[{"coin":"BTC","size_coins":1}]"#)?;
/// assert_eq!(bare.items[0].symbol, "BTC");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Positions {
    /// The positions, in the engine's order.
    pub items: Vec<Position>,
    /// Value of the account, in dollars.
    pub account_value: Option<f64>,
    /// Profit so far over all of them, in dollars.
    pub total_unrealized_pnl: Option<f64>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    Positions,
    "an object with positions, or a list of them",
    { items | positions, account_value, total_unrealized_pnl },
    extra: extra,
    aside: account_value | total_unrealized_pnl,
    read: Positions::read_object_or_list
);

impl Positions {
    fn read_object_or_list<'de, D: Deserializer<'de>>(
        &mut self,
        deserializer: D,
    ) -> Result<bool, D::Error> {
        deserializer.deserialize_any(ObjectOrList(self))
    }
}

struct ObjectOrList<'a>(&'a mut Positions);

impl<'de> Visitor<'de> for ObjectOrList<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Positions::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        self.0.fields(&mut map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        let Positions {
            items,
            account_value,
            total_unrealized_pnl,
            extra,
        } = self.0;
        List(items).visit_seq(seq)?;
        account_value.renew();
        total_unrealized_pnl.renew();
        extra.clear();
        Ok(!items.is_empty())
    }
}

impl Slot for Vec<Position> {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        map.next_value_seed(List(self))
    }

    fn renew(&mut self) {
        self.clear();
    }
}

/// Reads a list of positions into the one that was there; `null` gives `false` and leaves it.
struct List<'a>(&'a mut Vec<Position>);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of positions or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_none<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut count = 0;
        while let Some(()) = seq.next_element_seed(Place {
            list: self.0,
            count,
        })? {
            count += 1;
        }
        self.0.truncate(count);
        Ok(true)
    }
}

/// Reads one position into a place of the list, which may be a new last one.
struct Place<'a> {
    list: &'a mut Vec<Position>,
    count: usize,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { list, count } = self;
        if count == list.len() {
            list.push(Position::default());
        }
        if Read(&mut list[count]).deserialize(deserializer)? {
            Ok(())
        } else {
            Err(de::Error::custom("a position without a single known field"))
        }
    }
}
