// Faults and other states, as spans of time.

// How the journal says that a state has ended.
const CLEARED = /^(?:partition none|refuse none|hang none|garbage none|slice none|mute none|http none|latency 0 ms|bandwidth unlimited|accept as usual|tls as usual|answers auto|pongs auto)/;

const KEY = /^(\S+)(?:.* (to_client|from_client))?/;

class States {
  constructor() {
    this.spans = [];
    this.open = new Map();
  }

  // Takes a line that sets or clears a state, for all connections or for a lane's.
  say(text, at, lane) {
    if (text === "faults cleared") {
      for (const span of this.open.values()) span.to = at;
      this.open.clear();
      return;
    }
    const [, word, direction] = KEY.exec(text) ?? [null, text, null];
    const key = word === "partition" ? word : `${word} ${direction ?? ""}`.trim();
    const whose = `${lane ? lane.conn : "all"} ${key}`;
    const before = this.open.get(whose);
    if (before) {
      before.to = at;
      this.open.delete(whose);
    }
    if (!CLEARED.test(text)) this.begin(whose, { key: word, text, from: at, to: null, held: null }, lane);
  }

  begin(whose, span, lane) {
    (lane ? lane.spans : this.spans).push(span);
    this.open.set(whose, span);
    return span;
  }

  port(isDown, at) {
    const open = this.open.get("all down");
    if (isDown && !open) {
      const span = { key: "down", text: "port down", from: at, to: null, held: null };
      this.begin("all down", span, null);
    } else if (!isDown && open) {
      open.to = at;
      this.open.delete("all down");
    }
  }

  // Whether bytes are being held back now.
  get holds() {
    for (const span of this.open.values()) if (span.key === "partition") return true;
    return false;
  }

  // The partition that holds back a connection's bytes, or the last one that did.
  partitionOf(lane) {
    const own = lane.spans.findLast((span) => span.key === "partition");
    return own ?? this.spans.findLast((span) => span.key === "partition");
  }
}
