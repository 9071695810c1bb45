//! Reads network captures: pcap and pcapng, as tcpdump, dumpcap, tshark and Wireshark write them.
//!
//! | part | what is in it |
//! | --- | --- |
//! | `packets` | the file's packets |
//! | `segment`, `fragments` | from a packet through link layer and IP to its TCP segment |
//! | `beside` | packets without TCP: what they are |
//! | `stream` | one direction of a TCP connection, put in order |
//! | `opening` | what a connection is, judged by its first bytes |
//! | `connection`, `table` | one connection, and all of them |
//! | `survey`, `steps` | the two passes over the file: what is in it, then the chosen connections'
//! steps |
//!
//! Connections are decoded by the proxy's own reader, so a capture and a proxy at the same place
//! give the same tape. The file is streamed: memory holds packets waiting for earlier ones (64
//! MiB), one message of each connection, and a line about each connection.

mod beside;
mod connection;
mod fragments;
mod opening;
mod packets;
mod segment;
mod steps;
mod stream;
mod survey;
mod table;

use std::collections::BTreeMap;

use super::choice::Choice;
use super::input::Input;
use super::wall::Wall;
use crate::error::ImportError;
use steps::Chosen;
use survey::Survey;

pub(super) use steps::Steps;

/// The result of reading a capture: the steps of the chosen connections, when the first of them
/// began, their URLs, and what the tape lacks.
pub(super) struct Capture<'a> {
    pub(super) steps: Steps<'a>,
    pub(super) begin: Wall,
    pub(super) urls: Vec<String>,
    pub(super) lacks: Vec<String>,
}

/// Reads a capture. It takes two passes, so the input must have been kept.
pub(super) fn capture<'a>(input: &'a Input, choice: &Choice) -> Result<Capture<'a>, ImportError> {
    let name = input.name();
    let survey = Survey::of(name, input.unpacked()?)?;
    let listed: Vec<(Wall, Option<&str>)> = survey
        .listed
        .iter()
        .map(|outline| (outline.begin, Some(outline.url.as_str())))
        .collect();
    let places = choice.of(name, &listed)?;
    let begin = places.first().map_or(Wall::ZERO, |at| listed[*at].0);
    let mut chosen = BTreeMap::new();
    let mut urls = Vec::with_capacity(places.len());
    for (conn, at) in (1..).zip(places) {
        let outline = &survey.listed[at];
        let unanswered = outline.unanswered;
        chosen.insert(outline.serial, Chosen { conn, unanswered });
        urls.push(outline.url.clone());
    }
    Ok(Capture {
        steps: Steps::new(name, input.unpacked()?, chosen, begin)?,
        begin,
        urls,
        lacks: survey.lacks(),
    })
}
