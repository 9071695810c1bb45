// Which attempts belong to which client, and how long each client was away. Attempts for the same path by the
// same program belong to one client.

// Most clients to tell apart; all further ones are counted as one.
const MAX_CLIENTS = 1024;

class Clients {
  constructor(states) {
    this.states = states;
    this.byName = new Map();
    // The lanes with such gaps, in the order in which they ended.
    this.gaps = [];
  }

  named(name) {
    const known = this.byName.has(name) || this.byName.size < MAX_CLIENTS;
    const key = known ? name : "(others)";
    if (!this.byName.has(key)) this.byName.set(key, { waiting: [], first: 0 });
    return this.byName.get(key);
  }

  // An attempt belongs to this client: it follows the oldest end before it that has no attempt yet.
  comes(lane) {
    if (lane.client === null || lane.after !== null) return;
    const client = this.named(lane.client);
    const before = client.waiting[client.first];
    if (before === undefined || before.end.at > lane.accepted) return;
    client.waiting[client.first] = undefined;
    client.first += 1;
    lane.after = before;
    lane.failures = before.upgraded === null ? before.failures + 1 : 0;
    lane.gap = new Gap(before.end.at, lane.accepted, lane.failures, this.states);
    this.gaps.push(lane);
  }

  // A connection has ended, and its client may come back.
  ended(lane) {
    if (!lane.end.left) this.named(lane.client).waiting.push(lane);
  }
}

// How long a client was away before an attempt.
class Gap {
  constructor(from, to, failures, states) {
    this.from = from;
    this.to = to;
    this.ms = to - from;
    // Dials to a closed port go unseen, so once it opens again the most that can be required is the backoff's
    // maximum.
    const down = states.spans.findLast((span) => span.key === "down" && span.to !== null && span.to > from && span.to <= to);
    this.judgedFrom = down ? down.to : from;
    this.failures = down ? Infinity : failures;
    this.down = down !== undefined;
  }

  // The latest time of the attempt that the backoff allows.
  latest(backoff) {
    return this.judgedFrom + backoff.capMs(this.failures);
  }

  isOver(backoff) {
    return this.to > this.latest(backoff);
  }

  // How long it took, and what the backoff allows if that is known.
  words(backoff) {
    if (!backoff) return lengthText(this.ms);
    const cap = `${this.isOver(backoff) ? ">" : "≤"} ${lengthText(backoff.capMs(this.failures))}`;
    return this.down ? `${lengthText(this.to - this.judgedFrom)} after the port came up ${cap}` : `${lengthText(this.ms)} ${cap}`;
  }
}

// The bounds of a client's backoff: `initial`, doubled with each failed attempt, up to `max`.
class Backoff {
  constructor(initialMs, maxMs) {
    this.initialMs = initialMs;
    this.maxMs = maxMs;
  }

  capMs(failures) {
    return Math.min(this.maxMs, this.initialMs * 2 ** Math.min(failures, 60));
  }

  // As written in a URL or an input: `500,30000`; null for anything else.
  static parse(text) {
    const numbers = String(text).split(",").map(Number);
    const fine = numbers.length === 2 && numbers.every((n) => Number.isFinite(n) && n > 0);
    return fine ? new Backoff(numbers[0], Math.max(numbers[0], numbers[1])) : null;
  }
}
