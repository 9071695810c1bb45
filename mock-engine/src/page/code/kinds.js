// Kinds of lines: their names in a journal, what people read, and how they are drawn.

const KIND_NAMES = [
  "accepted", "request", "upgraded", "refused", "http_answered", "garbage_sent", "tls_failed",
  "hung", "held", "message_out", "ping_out", "pong_out", "close_out", "message_in", "ping_in",
  "pong_in", "close_in", "lost", "dropped", "client_closed", "client_reset", "overrun",
  "protocol_error", "dial_refused", "dial_reset", "down", "up", "state", "released", "mark",
  "expect", "unmet", "note", "missing", "repeats", "began", "end", "rule", "other",
];

// The kinds as small numbers, by name in capitals.
const KIND = Object.freeze(
  Object.fromEntries(KIND_NAMES.map((name, number) => [name.toUpperCase(), number])),
);

// Errors, and what went badly for somebody: red, and counted in the overview.
const BAD = new Set([
  KIND.REFUSED, KIND.GARBAGE_SENT, KIND.TLS_FAILED, KIND.HUNG, KIND.LOST, KIND.DROPPED,
  KIND.CLIENT_RESET, KIND.OVERRUN, KIND.PROTOCOL_ERROR, KIND.DIAL_REFUSED, KIND.DIAL_RESET,
  KIND.DOWN, KIND.UNMET, KIND.MISSING,
]);

const CONTROL = new Set([
  KIND.PING_OUT, KIND.PONG_OUT, KIND.PING_IN, KIND.PONG_IN,
]);

const OUT = new Set([KIND.MESSAGE_OUT, KIND.PING_OUT, KIND.PONG_OUT, KIND.CLOSE_OUT]);
const IN = new Set([KIND.MESSAGE_IN, KIND.PING_IN, KIND.PONG_IN, KIND.CLOSE_IN]);

function frameKind(word, out) {
  switch (word) {
    case "ping": return out ? KIND.PING_OUT : KIND.PING_IN;
    case "pong": return out ? KIND.PONG_OUT : KIND.PONG_IN;
    case "close": return out ? KIND.CLOSE_OUT : KIND.CLOSE_IN;
    default: return out ? KIND.MESSAGE_OUT : KIND.MESSAGE_IN;
  }
}

const NOT_MET = "not met: ";

// The kind of a journal line.
function kindOf(entry) {
  if (entry.times !== undefined) return KIND.REPEATS;
  switch (entry.kind) {
    case "sent": return frameKind(String(entry.what).split(" ")[0], true);
    case "received": return frameKind(entry.frame, false);
    case "note": return String(entry.text).startsWith(NOT_MET) ? KIND.UNMET : KIND.NOTE;
    default: return KIND[String(entry.kind).toUpperCase()] ?? KIND.OTHER;
  }
}

const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const bytes = (n) => (n < 10_000 ? `${n.toLocaleString("en")} B` : `${(n / 1024).toFixed(1)} KiB`);

// Longest payload shown on one line, in characters.
const MAX_SHOWN_CHARS = 160;

function shortened(text) {
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
}

function frameWords(entry) {
  const parts = [entry.frame];
  if (entry.code !== undefined) parts.push(String(entry.code));
  if (entry.text) parts.push(shortened(entry.text));
  if (entry.binary !== undefined) {
    parts.push(bytes(entry.len ?? Math.floor((entry.binary.length * 3) / 4)));
  } else if (entry.len !== undefined) {
    parts.push(`(${bytes(entry.len)})`);
  }
  if (entry.fin === false) parts.push("(fragment)");
  return parts.join(" ");
}

function requestWords(entry) {
  const agent = entry.headers && entry.headers["user-agent"];
  return `${entry.method} ${entry.path}${agent ? ` by ${agent}` : ""}`;
}

// A line as people read it, in the journal's words.
const WORDS = {
  request: requestWords,
  refused: (e) => `refused ${e.status}`,
  http_answered: (e) => `${e.method} ${e.path} ${e.status}`,
  garbage_sent: (e) => `garbage, ${bytes(e.bytes)}`,
  tls_failed: (e) => `TLS failed: ${e.text}`,
  hung: () => "hung: never answered",
  held: () => "held: waits for the tape's answer",
  sent: (e) => `→ ${e.what}${e.to === 1 ? "" : ` to ${e.to}`}`,
  lost: (e) => `lost ${e.what}: nobody was there`,
  received: (e) => `← ${frameWords(e)}`,
  dropped: (e) => `dropped: ${e.end}`,
  client_closed: () => "client fin",
  client_reset: () => "client reset",
  overrun: () => "overrun: reset",
  protocol_error: (e) => `protocol error: ${e.text}`,
  dial_refused: () => "dial refused",
  dial_reset: () => "dial reset",
  down: () => "port down",
  up: () => "port up",
  state: (e) => e.text,
  released: (e) => `released ${bytes(e.to_client_bytes)} to the client, ${bytes(e.from_client_bytes)} from it`,
  mark: (e) => `mark ${e.name}`,
  expect: (e) => `expect ${JSON.stringify(e.expect)}`,
  note: (e) => e.text,
  missing: (e) => `${count(e.entries, "entry is", "entries are")} missing`,
  began: () => "the tape begins",
  end: () => "the tape ends",
  rule: (e) => e.text ?? "holds all run",
};

function words(entry) {
  if (entry.times !== undefined) return entry.text ?? `${entry.what} ×${entry.times}`;
  const say = WORDS[entry.kind];
  return say ? say(entry) : String(entry.kind);
}
