//! What steps are made of, drawn at random: times, texts, bytes, JSON, headers.

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::value::RawValue;
use wstape_tape::Micros;

pub(super) fn micros() -> impl Strategy<Value = Micros> {
    prop_oneof![0..10_000_u64, 0..=u64::MAX].prop_map(Micros)
}

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", any::<String>()]
}

pub(super) fn octets() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..20).prop_map(Bytes::from),
        text().prop_map(Bytes::from)
    ]
}

pub(super) fn raw() -> impl Strategy<Value = Box<RawValue>> {
    const VALUES: &[&str] = &[
        "null",
        "{}",
        "[1, 2.50]",
        "\"a\\u0000\"",
        "{\"deep\":{\"er\":[[]]}}",
        "-1e9",
    ];
    prop::sample::select(VALUES).prop_map(|v| RawValue::from_string(v.to_owned()).unwrap())
}

pub(super) fn extensions() -> impl Strategy<Value = Vec<(String, Box<RawValue>)>> {
    btree_map("x-[a-z\"é]{0,4}", raw(), 0..3).prop_map(|map| map.into_iter().collect())
}

pub(super) fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let values = vec("[ -~\t\u{e9}]{0,8}", 1..3);
    btree_map("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}", values, 0..3).prop_map(|map| {
        let one = |(name, values): (String, Vec<String>)| {
            values.into_iter().map(move |value| (name.clone(), value))
        };
        map.into_iter().flat_map(one).collect()
    })
}
