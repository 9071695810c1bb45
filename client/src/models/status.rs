//! The engine's summary of itself.

use std::collections::BTreeMap;

use serde_json::Value;

/// How sure the engine is of its view.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct V2Confidence {
    /// The score, from 0 to 100.
    pub score: Option<f64>,
    /// The same in a word, such as `low`, `medium` or `high`.
    pub level: Option<String>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(V2Confidence, "a confidence object", { score, level }, extra: extra);

/// What the engine sees of the market.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct V2Market {
    /// The regime, in the engine's words.
    pub regime: Option<String>,
    /// How healthy the market data is, from 0 to 1.
    pub health: Option<f64>,
    /// The signal, in the engine's words.
    pub signal: Option<String>,
    /// The prediction, in the engine's words.
    pub prediction: Option<String>,
    /// The fear and greed index, from 0 to 100.
    pub fear_greed: Option<i64>,
    /// Number of coins that can be traded.
    pub coins_tradeable: Option<u32>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    V2Market,
    "a market object",
    { regime, health, signal, prediction, fear_greed, coins_tradeable },
    extra: extra
);

/// The open positions in three numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct V2Positions {
    /// How many are open.
    pub open: Option<u32>,
    /// Profit so far over all of them, in dollars.
    pub unrealized_pnl: Option<f64>,
    /// Equity of the account, in dollars.
    pub equity: Option<f64>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    V2Positions,
    "an object that sums up the positions",
    { open, unrealized_pnl, equity },
    extra: extra
);

/// The day so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct V2Today {
    /// Number of trades.
    pub trades: Option<u32>,
    /// Number of trades won.
    pub wins: Option<u32>,
    /// Profit, in dollars.
    pub pnl: Option<f64>,
    /// Trades won in a row; if negative, lost in a row.
    pub streak: Option<i32>,
    /// The factor on position sizes.
    pub sizing_mult: Option<f64>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    V2Today,
    "an object that sums up the day",
    { trades, wins, pnl, streak, sizing_mult },
    extra: extra
);

/// What a paper engine recovered from its journal when it started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecoveryStatus {
    /// How the recovery went.
    pub status: Option<String>,
    /// Where the state came from.
    pub source: Option<String>,
    /// Whether the state outlives the process.
    pub durable: bool,
    /// The journal's path on the engine's host.
    pub journal_path: Option<String>,
    /// Number of decisions recovered.
    pub decisions_recovered: Option<u32>,
    /// Number of fills recovered.
    pub fills_recovered: Option<u32>,
    /// Number of rejections recovered.
    pub rejections_recovered: Option<u32>,
    /// Number of positions recovered.
    pub positions_recovered: Option<u32>,
    /// When the last decision was made, as the engine wrote it.
    pub last_decision_at: Option<String>,
    /// Number of decisions now.
    pub current_decisions: Option<u32>,
    /// Number of fills now.
    pub current_fills: Option<u32>,
    /// Number of rejections now.
    pub current_rejections: Option<u32>,
    /// Number of positions now.
    pub current_positions: Option<u32>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    RecoveryStatus,
    "a recovery object",
    {
        status,
        source,
        durable,
        journal_path,
        decisions_recovered,
        fills_recovered,
        rejections_recovered,
        positions_recovered,
        last_decision_at,
        current_decisions,
        current_fills,
        current_rejections,
        current_positions,
    },
    extra: extra
);

/// The engine's use of the exchange's API over one rolling minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HlRate {
    /// Requests counted against the minute.
    pub used: u32,
    /// Requests that the engine allows itself a minute.
    pub cap: u32,
}

object!(HlRate, "a rate object", { used, cap });

/// The engine's summary of itself, as in `GET /v2/status`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct V2Status {
    /// How sure the engine is of its view.
    pub confidence: V2Confidence,
    /// What it sees of the market.
    pub market: V2Market,
    /// The open positions in three numbers.
    pub positions: V2Positions,
    /// The day so far.
    pub today: V2Today,
    /// Signals that are close to a trade.
    pub approaching: Vec<Value>,
    /// What the engine cannot see at the moment.
    pub blind_spots: Vec<Value>,
    /// An alert, if there is one.
    pub alert: Option<Value>,
    /// What was recovered when the engine started.
    pub recovery: Option<RecoveryStatus>,
    /// When the engine computed all this, as it wrote it.
    pub ts: Option<String>,
    /// Use of the exchange's API; `None` from an engine that does not say.
    pub hl_rate: Option<HlRate>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    V2Status,
    "a status object",
    {
        confidence,
        market,
        positions,
        today,
        approaching,
        blind_spots,
        alert,
        recovery,
        ts,
        hl_rate,
    },
    extra: extra,
    aside: ts
);

impl V2Status {
    /// The market's regime, in the engine's words.
    #[must_use]
    pub fn regime(&self) -> Option<&str> {
        self.market.regime.as_deref()
    }

    /// The engine's confidence, from 0 to 100.
    #[must_use]
    pub fn engine_confidence(&self) -> Option<f64> {
        self.confidence.score
    }

    /// The engine's confidence in a word.
    #[must_use]
    pub fn confidence_level(&self) -> Option<&str> {
        self.confidence.level.as_deref()
    }

    /// Equity of the account, in dollars.
    #[must_use]
    pub fn equity(&self) -> Option<f64> {
        self.positions.equity
    }

    /// Number of open positions.
    #[must_use]
    pub fn open(&self) -> Option<u32> {
        self.positions.open
    }

    /// Profit so far over all open positions, in dollars.
    #[must_use]
    pub fn unrealized_pnl(&self) -> Option<f64> {
        self.positions.unrealized_pnl
    }

    /// The drawdown, in percent, from an engine that reports it here. The known ones report it as
    /// [`Risk::drawdown_pct`](super::Risk::drawdown_pct) only, which makes this `None`.
    #[must_use]
    pub fn drawdown_pct(&self) -> Option<f64> {
        self.extra.get("drawdown_pct").and_then(Value::as_f64)
    }
}
