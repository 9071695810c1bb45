//! The engine's risk limits, and whether one of them has halted it.

use std::collections::BTreeMap;

use serde_json::Value;

/// The account against its limits. Money is in US dollars, percentages are of 100.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four flags that the engine sets independently of each other"
)]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Risk {
    /// Value of the account, in dollars.
    pub account_value: Option<f64>,
    /// Distance from the peak, in percent.
    pub drawdown_pct: Option<f64>,
    /// Profit of the day, in dollars; negative for a loss.
    pub daily_pnl_usd: Option<f64>,
    /// Loss of the day, in dollars, as a positive number.
    pub daily_loss_usd: Option<f64>,
    /// Highest equity ever, in dollars.
    pub peak_equity: Option<f64>,
    /// Highest equity of the last 30 days, in dollars.
    pub peak_equity_30d: Option<f64>,
    /// Number of open positions.
    pub open_count: Option<u32>,
    /// Whether the engine takes no new risk.
    pub halted: bool,
    /// Whether every runner is halted.
    pub global_halt: bool,
    /// Whether it is halted because a stop could not be placed.
    pub stop_failure_halt: bool,
    /// Whether the account is at the floor that it must not go below.
    pub capital_floor_hit: bool,
    /// Why it is halted, in the engine's words.
    pub halt_reason: Option<String>,
    /// Until when it is halted, as the engine wrote it.
    pub halt_until: Option<String>,
    /// When the engine computed all this, as it wrote it.
    pub updated_at: Option<String>,
    /// Since when the day's loss is counted, as the engine wrote it.
    pub daily_loss_since: Option<String>,
    /// Drawdown at the last alert, in percent.
    pub last_drawdown_alert_pct: Option<f64>,
    /// What each runner reports, by the runner's name.
    pub per_runner: BTreeMap<String, Value>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(
    Risk,
    "a risk object",
    {
        account_value,
        drawdown_pct,
        daily_pnl_usd,
        daily_loss_usd,
        peak_equity,
        peak_equity_30d,
        open_count,
        halted,
        global_halt,
        stop_failure_halt,
        capital_floor_hit,
        halt_reason,
        halt_until,
        updated_at,
        daily_loss_since,
        last_drawdown_alert_pct,
        per_runner,
    },
    extra: extra
);

impl Risk {
    /// Whether the engine has stopped taking new risk, for any of its reasons.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.halted || self.global_halt || self.stop_failure_halt
    }

    /// The day's loss in percent of the peak equity (of the 30-day peak if there is no other);
    /// `None` if either is missing or the peak is not above zero.
    ///
    /// ```
    /// # use engine_client::models::Risk;
    /// let risk = Risk { daily_loss_usd: Some(5.0), peak_equity: Some(500.0), ..Risk::default() };
    /// assert_eq!(risk.daily_loss_pct(), Some(1.0));
    /// ```
    #[must_use]
    pub fn daily_loss_pct(&self) -> Option<f64> {
        let loss = self.daily_loss_usd?;
        let peak = self.peak_equity.or(self.peak_equity_30d)?;
        (peak > 0.0).then(|| loss / peak * 100.0)
    }
}
