//! The payload shapes of SPEC, section 1, as data.

/// A kind of event that has a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `heartbeat`.
    Heartbeat,
    /// `status`, `v2_status`.
    Status,
    /// `positions`, `positions_update`.
    Positions,
    /// `risk`, `risk_update`.
    Risk,
    /// `regime`, `regime_update`.
    Regime,
}

impl Kind {
    /// The kinds that have a field in the mirror.
    pub const READINGS: [Self; 4] = [Self::Status, Self::Positions, Self::Risk, Self::Regime];

    /// The kind with exactly this name on the wire.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "heartbeat" => Self::Heartbeat,
            "status" | "v2_status" => Self::Status,
            "positions" | "positions_update" => Self::Positions,
            "risk" | "risk_update" => Self::Risk,
            "regime" | "regime_update" => Self::Regime,
            _ => return None,
        })
    }

    /// The mirror's field that it changes.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Heartbeat => "last_heartbeat",
            Self::Status => "status",
            Self::Positions => "positions",
            Self::Risk => "risk",
            Self::Regime => "regime",
        }
    }

    /// Its position in [`READINGS`](Self::READINGS).
    pub(super) fn index(self) -> Option<usize> {
        Self::READINGS.iter().position(|kind| *kind == self)
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    /// Any number.
    Float,
    /// A whole number within these bounds, both included.
    Whole(i64, i64),
    /// `true` or `false`.
    Flag,
    /// A string.
    Text,
    /// Anything.
    Any,
    /// A list of anything.
    List,
    /// An object of anything.
    Map,
    /// An object of this shape.
    Object(&'static Schema),
    /// A list of objects of this shape, each with at least one field of its own.
    Items(&'static Schema),
}

/// What the mirror shows for a missing field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Absent {
    /// `null`.
    Null,
    /// The default of what it holds.
    Default,
}

/// A field, by its names on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) alias: Option<&'static str>,
    pub(super) holds: Holds,
    pub(super) absent: Absent,
}

/// The shape of an object.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) fields: &'static [Field],
    /// Fields that by themselves don't make a reading of this kind.
    pub(super) aside: &'static [&'static str],
    /// Whether keys beyond the fields are kept.
    pub(super) keeps_others: bool,
}

const U32: Holds = Holds::Whole(0, 4_294_967_295);
const I32: Holds = Holds::Whole(-2_147_483_648, 2_147_483_647);
const I64: Holds = Holds::Whole(i64::MIN, i64::MAX);

/// A field that is `null` when missing.
const fn maybe(name: &'static str, holds: Holds) -> Field {
    Field {
        name,
        alias: None,
        holds,
        absent: Absent::Null,
    }
}

/// A field that has a default.
const fn always(name: &'static str, holds: Holds) -> Field {
    Field {
        absent: Absent::Default,
        ..maybe(name, holds)
    }
}

/// A field that has a default and a second name.
const fn aliased(name: &'static str, alias: &'static str, holds: Holds) -> Field {
    Field {
        alias: Some(alias),
        ..always(name, holds)
    }
}

const fn open(fields: &'static [Field]) -> Schema {
    Schema {
        fields,
        aside: &[],
        keeps_others: true,
    }
}

/// An open shape for which these fields alone don't make a reading.
const fn aside(aside: &'static [&'static str], fields: &'static [Field]) -> Schema {
    Schema {
        aside,
        ..open(fields)
    }
}

pub(super) static STATUS: Schema = aside(
    &["ts"],
    &[
        always("confidence", Holds::Object(&CONFIDENCE)),
        always("market", Holds::Object(&MARKET)),
        always("positions", Holds::Object(&SUMMARY)),
        always("today", Holds::Object(&TODAY)),
        always("approaching", Holds::List),
        always("blind_spots", Holds::List),
        maybe("alert", Holds::Any),
        maybe("recovery", Holds::Object(&RECOVERY)),
        maybe("ts", Holds::Text),
        maybe("hl_rate", Holds::Object(&RATE)),
    ],
);

static CONFIDENCE: Schema = open(&[maybe("score", Holds::Float), maybe("level", Holds::Text)]);

static MARKET: Schema = open(&[
    maybe("regime", Holds::Text),
    maybe("health", Holds::Float),
    maybe("signal", Holds::Text),
    maybe("prediction", Holds::Text),
    maybe("fear_greed", I64),
    maybe("coins_tradeable", U32),
]);

static SUMMARY: Schema = open(&[
    maybe("open", U32),
    maybe("unrealized_pnl", Holds::Float),
    maybe("equity", Holds::Float),
]);

static TODAY: Schema = open(&[
    maybe("trades", U32),
    maybe("wins", U32),
    maybe("pnl", Holds::Float),
    maybe("streak", I32),
    maybe("sizing_mult", Holds::Float),
]);

static RECOVERY: Schema = open(&[
    maybe("status", Holds::Text),
    maybe("source", Holds::Text),
    always("durable", Holds::Flag),
    maybe("journal_path", Holds::Text),
    maybe("decisions_recovered", U32),
    maybe("fills_recovered", U32),
    maybe("rejections_recovered", U32),
    maybe("positions_recovered", U32),
    maybe("last_decision_at", Holds::Text),
    maybe("current_decisions", U32),
    maybe("current_fills", U32),
    maybe("current_rejections", U32),
    maybe("current_positions", U32),
]);

static RATE: Schema = Schema {
    fields: &[always("used", U32), always("cap", U32)],
    aside: &[],
    keeps_others: false,
};

pub(super) static POSITIONS: Schema = aside(
    &["account_value", "total_unrealized_pnl"],
    &[
        aliased("items", "positions", Holds::Items(&POSITION)),
        maybe("account_value", Holds::Float),
        maybe("total_unrealized_pnl", Holds::Float),
    ],
);

static POSITION: Schema = open(&[
    aliased("symbol", "coin", Holds::Text),
    aliased("side", "direction", Holds::Text),
    aliased("size", "size_coins", Holds::Float),
    aliased("entry", "entry_price", Holds::Float),
    maybe("mark", Holds::Float),
    maybe("unrealized_pnl", Holds::Float),
    maybe("unrealized_r", Holds::Float),
    maybe("stop", Holds::Float),
    maybe("target", Holds::Float),
    maybe("lens_id", Holds::Text),
    maybe("age_s", Holds::Float),
]);

pub(super) static RISK: Schema = open(&[
    maybe("account_value", Holds::Float),
    maybe("drawdown_pct", Holds::Float),
    maybe("daily_pnl_usd", Holds::Float),
    maybe("daily_loss_usd", Holds::Float),
    maybe("peak_equity", Holds::Float),
    maybe("peak_equity_30d", Holds::Float),
    maybe("open_count", U32),
    always("halted", Holds::Flag),
    always("global_halt", Holds::Flag),
    always("stop_failure_halt", Holds::Flag),
    always("capital_floor_hit", Holds::Flag),
    maybe("halt_reason", Holds::Text),
    maybe("halt_until", Holds::Text),
    maybe("updated_at", Holds::Text),
    maybe("daily_loss_since", Holds::Text),
    maybe("last_drawdown_alert_pct", Holds::Float),
    always("per_runner", Holds::Map),
]);

pub(super) static REGIME: Schema = open(&[
    maybe("regime", Holds::Text),
    maybe("confidence", Holds::Float),
    maybe("coin", Holds::Text),
]);
