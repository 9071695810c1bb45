//! `frame`: any WebSocket frame.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

/// Any WebSocket frame, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// FIN bit; default true.
    pub fin: bool,
    /// The three RSV bits, 0 to 7; default 0.
    pub rsv: u8,
    /// Opcode, 0 to 15.
    pub opcode: u8,
    /// Masking key, if the frame is to be masked.
    pub mask: Option<[u8; 4]>,
    /// Payload, from the key `payload` (text) or `payload_b64`.
    pub payload: Bytes,
    /// Length written in the header, if it is to differ from the payload's.
    pub declared_len: Option<u64>,
}

impl Spec for RawFrame {
    type Value = Self;
    const KEY: &'static str = "frame";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        const KEYS: [&str; 7] = [
            "fin",
            "rsv",
            "opcode",
            "mask",
            "payload",
            "payload_b64",
            "declared_len",
        ];
        let object = field.object(&KEYS)?;
        let payload = match (object.get("payload"), object.get("payload_b64")) {
            (Some(_), Some(second)) => return Err(second.either("payload", "payload_b64")),
            (Some(text), None) => text.text_bytes()?,
            (None, Some(b64)) => b64.base64()?,
            (None, None) => Bytes::new(),
        };
        let mask = |mask: &Field<'_>| {
            let bytes = mask.base64()?;
            <[u8; 4]>::try_from(&bytes[..]).map_err(|_| mask.wrong("four bytes in base64"))
        };
        Ok(Self {
            fin: object.get("fin").map_or(Ok(true), Field::bool)?,
            rsv: object.get("rsv").map_or(Ok(0), |f| f.whole(0..=7))?,
            opcode: object
                .demand("opcode", r#"{"opcode":1,"payload":"…"}"#)?
                .whole(0..=15)?,
            mask: object.get("mask").map(mask).transpose()?,
            payload,
            declared_len: object
                .get("declared_len")
                .map(|f| f.whole(0..=u64::MAX))
                .transpose()?,
        })
    }

    fn write(frame: &Self, pen: &mut Pen) {
        pen.object(Self::KEY);
        if !frame.fin {
            pen.json("fin", false);
        }
        if frame.rsv != 0 {
            pen.json("rsv", frame.rsv);
        }
        pen.json("opcode", frame.opcode);
        if let Some(mask) = frame.mask {
            pen.base64("mask", &mask);
        }
        if !frame.payload.is_empty() {
            pen.text_or("payload", "payload_b64", &frame.payload);
        }
        if let Some(len) = frame.declared_len {
            pen.json("declared_len", len);
        }
        pen.close();
    }

    fn payload_bytes(frame: &Self) -> usize {
        frame.payload.len()
    }

    fn simpler(frame: &Self) -> Vec<Self> {
        let simple: [fn(&mut Self); 4] = [
            |frame| frame.mask = None,
            |frame| frame.rsv = 0,
            |frame| frame.declared_len = None,
            |frame| frame.fin = true,
        ];
        let changed = |change: fn(&mut Self)| {
            let mut changed = frame.clone();
            change(&mut changed);
            changed
        };
        let simpler = simple.into_iter().map(changed);
        simpler.filter(|simpler| simpler != frame).collect()
    }
}
