// A tape, drawn like a journal: each step becomes the line that a journal would have for it.

const TRIGGERS = ["on_connect", "on_message", "on_silence_ms", "scene"];

// Actions that set a state, and the words the journal uses for them.
const STATES = {
  partition: (v) => `partition ${v}`,
  latency_ms: (v) => (typeof v === "object" && v ? `latency ${v.base_ms} ms ± ${v.jitter_ms ?? 0} ms` : `latency ${v} ms`),
  bytes_per_s: (v) => (v === null ? "bandwidth unlimited" : `bandwidth ${v} bytes/s`),
  slice_bytes: (v) => (v === null ? "slice none" : `slice ${v} bytes`),
  refuse: (v) => (v ? `refuse ${v.status}` : "refuse none"),
  hang: (v) => (v ? "hang" : "hang none"),
  garbage: (v) => (v === null ? "garbage none" : "garbage"),
  pongs: (v) => (typeof v === "object" ? `pongs late by ${v.delay_ms} ms` : `pongs ${v}`),
  answers: (v) => `answers ${v}`,
  tls: (v) => (v ? `tls ${v}` : "tls as usual"),
  http: (v) => `http ${v.path} ${v.status ?? 200}`,
  mute: (v) => (v === false ? "mute none" : `mute ${JSON.stringify(v)}`),
};

const DIRECTED = new Set(["latency_ms", "bytes_per_s", "slice_bytes"]);

// Actions that send something, and the journal's words for them.
const SENT = {
  emit: (v) => String(v.event),
  json: (v) => (v && typeof v === "object" && typeof v.event === "string" ? v.event : "text"),
  text: () => "text",
  binary: () => "binary",
  ping: () => "ping",
  pong: () => "pong",
  close: (v) => (v.code === undefined ? "close" : `close ${v.code}`),
  frame: (v) => `frame ${v.opcode}`,
  bytes: () => "bytes",
};

class TapeReader {
  constructor(run) {
    this.run = run;
    // States that will end by themselves.
    this.clearing = [];
    // Lines that the tape does not have, such as the end of such a state, by the drawing's line.
    this.unwritten = new Map();
    // Steps that hold for the whole run have no time.
    this.rules = 0;
  }

  // Reports a step as the journal would, after any states that ended by themselves before it.
  step(step, add) {
    const trigger = TRIGGERS.find((key) => step[key] !== undefined);
    if (trigger) {
      this.rules += 1;
      add({ at_ms: 0, kind: "rule" }, true);
      return;
    }
    const at = step.at_ms ?? 0;
    this.clear(at, add);
    for (const entry of this.entries(step)) add(entry, true);
    if (step.for_ms !== undefined) this.clearLater(step, at + step.for_ms);
  }

  entries(step) {
    const at = step.at_ms ?? 0;
    const base = { at_ms: at };
    if (typeof step.conn === "number") base.conn = step.conn;
    if (step.received) return this.received(step.received, base);
    for (const [key, name] of Object.entries(SENT)) {
      if (step[key] !== undefined) {
        return [{ ...base, kind: "sent", what: name(step[key]), to: base.conn ? 1 : "all", payload: step[key] }];
      }
    }
    for (const [key, say] of Object.entries(STATES)) {
      if (step[key] === undefined) continue;
      const suffix = DIRECTED.has(key) && step.direction && step.direction !== "both" ? ` ${step.direction}` : "";
      return [{ ...base, kind: "state", text: say(step[key]) + suffix }];
    }
    return [this.rest(step, base)];
  }

  rest(step, base) {
    if (step.drop !== undefined) return { ...base, kind: "dropped", end: step.drop };
    if (step.down !== undefined) return { ...base, kind: step.down ? "down" : "up" };
    if (step.mark !== undefined) return { ...base, kind: "mark", name: step.mark };
    if (step.expect !== undefined) return { ...base, kind: "expect", expect: step.expect };
    if (step.end) return { ...base, kind: "end" };
    if (step.accept !== undefined) {
      const status = step.accept?.status ?? 101;
      if (base.conn === undefined) return { ...base, kind: "state", text: step.accept ? "accept changed" : "accept as usual" };
      return status === 101 ? { ...base, kind: "upgraded" } : { ...base, kind: "refused", status };
    }
    const { at_ms: _at, conn: _conn, ...said } = step;
    return { ...base, kind: "note", text: JSON.stringify(said) };
  }

  // What a client sent, in a recording.
  received(what, base) {
    switch (what.kind) {
      case "open": return [
        { ...base, kind: "accepted" },
        { ...base, kind: "request", method: "GET", path: what.path ?? "", headers: what.headers ?? {} },
      ];
      case "fin": return [{ ...base, kind: "client_closed" }];
      case "reset": return [{ ...base, kind: "client_reset" }];
      default: {
        const text = what.text ?? what.reason;
        return [{ ...base, kind: "received", frame: what.kind, text, binary: what.binary, code: what.code, fin: what.fin }];
      }
    }
  }

  clearLater(step, at) {
    const base = { at_ms: at };
    if (typeof step.conn === "number") base.conn = step.conn;
    const none = {
      partition: "partition none", latency_ms: "latency 0 ms", bytes_per_s: "bandwidth unlimited", slice_bytes: "slice none",
      refuse: "refuse none", hang: "hang none", garbage: "garbage none", pongs: "pongs auto", answers: "answers auto",
      tls: "tls as usual", accept: "accept as usual", mute: "mute none",
    };
    if (step.down) this.clearing.push({ ...base, kind: "up" });
    const key = Object.keys(none).find((name) => step[name] !== undefined);
    if (!key) return;
    const suffix = DIRECTED.has(key) && step.direction && step.direction !== "both" ? ` ${step.direction}` : "";
    this.clearing.push({ ...base, kind: "state", text: none[key] + suffix });
  }

  clear(until, add) {
    if (this.clearing.length === 0) return;
    this.clearing.sort((a, b) => a.at_ms - b.at_ms);
    while (this.clearing.length > 0 && this.clearing[0].at_ms <= until) add(this.clearing.shift(), false);
  }

  // What a step was turned into for display: the entry with this line's kind.
  made(step, line) {
    if (this.unwritten.has(line)) return this.unwritten.get(line);
    const trigger = TRIGGERS.find((key) => step[key] !== undefined);
    if (trigger) return { kind: "rule", text: JSON.stringify(step), ...step };
    const kind = this.run.kind.at(line);
    return this.entries(step).find((entry) => kindOf(entry) === kind);
  }
}
