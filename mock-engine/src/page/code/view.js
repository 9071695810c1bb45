// What is in view: a stretch of time, the selection in it, and whether it follows a live run.

// The shortest and the longest stretch that can be shown.
const MIN_SPAN_MS = 0.05;
const MAX_SPAN_MS = 1e12;

// What a live page shows at first.
const LIVE_SPAN_MS = 30_000;

// How much of the stretch stays free after the newest line, as a fraction.
const FOLLOW_MARGIN = 0.04;

class View {
  constructor(run) {
    this.run = run;
    this.from = 0;
    this.to = LIVE_SPAN_MS;
    this.following = false;
    this.line = null;
    this.lane = null;
    // The live run's current time, if there is one.
    this.now = null;
    this.fitted = true;
    this.listeners = [];
  }

  get span() {
    return this.to - this.from;
  }

  // The end of the run, as far as it is known.
  get latest() {
    return Math.max(this.run.end, this.now ? this.now() : 0, 1);
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  look(from, to) {
    let span = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, to - from));
    if (!Number.isFinite(span)) span = LIVE_SPAN_MS;
    // Never so far to one side that nothing is left in view.
    const start = Math.min(Math.max(from, -span * 0.5), this.latest);
    this.from = start;
    this.to = start + span;
    this.changed();
  }

  // The user moved the view: it stays there from now on.
  move(from, to) {
    this.fitted = false;
    this.setFollowing(false);
    this.look(from, to);
  }

  zoom(factor, at = (this.from + this.to) / 2) {
    const from = at - (at - this.from) * factor;
    const span = this.span * factor;
    if (this.following) {
      // Zoomed while following: the newest line stays in view.
      this.look(this.latest - span * (1 - FOLLOW_MARGIN), this.latest + span * FOLLOW_MARGIN);
      return;
    }
    this.fitted = false;
    this.look(from, from + span);
  }

  pan(part) {
    this.move(this.from + this.span * part, this.to + this.span * part);
  }

  fit() {
    this.setFollowing(false);
    const first = this.run.length > 0 ? this.run.time.at(0) : 0;
    const length = Math.max(this.latest - first, 1);
    this.fitted = true;
    // Room after the last end for its words.
    this.look(first - length * 0.01, this.latest + length * 0.14);
  }

  setFollowing(on) {
    if (this.following === on) return;
    this.following = on;
    this.changed();
  }

  // Follows the run, if it is set to.
  follow() {
    if (!this.following) return;
    const span = this.span;
    const first = this.run.length > 0 ? this.run.time.at(0) : 0;
    // A run shorter than the stretch starts at the left edge.
    this.to = Math.max(this.latest + span * FOLLOW_MARGIN, first + span * (1 - FOLLOW_MARGIN / 2));
    this.from = this.to - span;
  }

  select(line, lane = undefined) {
    this.line = line;
    if (line !== null) {
      const row = this.run.lane.at(line);
      this.lane = row === NOBODY ? null : this.run.lanes[row];
    }
    if (lane !== undefined) this.lane = lane;
    this.changed();
  }

  // Scrolls a time into view, moving no more than needed.
  show(at) {
    const { span } = this;
    if (at >= this.from && at <= this.to) return;
    this.move(at - span / 2, at + span / 2);
  }
}

// Times in readable form: seconds, with as many digits as the step between two of them needs.
function timeText(ms, stepMs = 1) {
  const sign = ms <= -stepMs / 2 ? "−" : "";
  const s = Math.abs(ms) / 1000;
  const digits = stepMs >= 1000 ? 0 : Math.min(6, Math.max(1, Math.ceil(-Math.log10(stepMs / 1000))));
  if (s < 60) return `${sign}${s.toFixed(digits)} s`;
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  const rest = (s % 60).toFixed(digits).padStart(digits > 0 ? 3 + digits : 2, "0");
  return hours > 0 ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${sign}${minutes}:${rest}`;
}

// A duration in readable form.
function lengthText(ms) {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return timeText(ms, 1000);
}

// Round steps of a clock, in milliseconds.
const CLOCK_STEPS = [15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 21600e3, 43200e3, 86400e3];

// The next round step that is at least this long: of a clock, or 1, 2 or 5 times a power of ten.
function niceStep(ms) {
  const clock = CLOCK_STEPS.find((step) => step >= ms);
  if (ms > 10e3 && clock !== undefined) return clock;
  const power = 10 ** Math.floor(Math.log10(ms));
  const over = ms / power;
  if (over <= 1) return power;
  if (over <= 2) return 2 * power;
  return over <= 5 ? 5 * power : 10 * power;
}
