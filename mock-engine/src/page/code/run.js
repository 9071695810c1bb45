// A run: what its lines add up to, kept in columns, lane by lane.

// Most lines to keep. Beyond that, a live page starts again with the newest ones.
const MAX_LINES = 4_000_000;

const NOBODY = -1;

class Run {
  constructor() {
    this.time = new Column(Float64Array, 4096);
    this.kind = new Column(Uint8Array, 4096);
    this.lane = new Column(Int32Array, 4096);
    // Where the line's text is: the chunk, and the start and end within it.
    this.chunk = new Column(Uint32Array, 4096);
    this.from = new Column(Uint32Array, 4096);
    this.to = new Column(Uint32Array, 4096);
    this.chunks = [];
    this.chars = 0;
    this.header = null;
    this.lanes = [];
    this.byConn = new Map();
    // The open lanes, which receive what is sent to all.
    this.live = new Set();
    this.states = new States();
    this.clients = new Clients(this.states);
    this.toAll = new Track(this.time);
    this.marks = new Track(this.time);
    this.bad = new Track(this.time);
    this.histogram = new Histogram(1);
    this.counts = { sent: 0, received: 0, upgraded: 0, dialsRefused: 0, dialsReset: 0, missing: 0 };
    this.names = new Map();
    this.unmet = [];
    // Folded repeats: {from, to, times}.
    this.repeated = [];
    // The drawing's time starts when the engine came up; this is the tape's time 0 in it.
    this.zero = 0;
    // Where tapes began: one that replaces another has its own time 0.
    this.zeros = [];
    this.began = false;
    this.over = false;
    this.flaws = 0;
    this.end = 0;
    this.tape = null;
  }

  get length() {
    return this.time.length;
  }

  // Reads a text of whole lines and reports each line to `sink`. Yields after so many lines, so that the
  // caller can stop for a frame.
  *feed(text, everyLines = 200) {
    const chunk = this.chunks.push(text) - 1;
    this.chars += text.length;
    let from = 0;
    let since = 0;
    while (from < text.length) {
      let to = text.indexOf("\n", from);
      if (to < 0) to = text.length;
      if (to > from) this.line(chunk, from, to, text.slice(from, to));
      from = to + 1;
      since += 1;
      if (since >= everyLines) {
        since = 0;
        yield;
      }
    }
  }

  line(chunk, from, to, text) {
    let entry;
    try {
      entry = JSON.parse(text);
    } catch {
      this.flaws += 1;
      return;
    }
    if (entry === null || typeof entry !== "object") {
      this.flaws += 1;
    } else if (entry.journal !== undefined) {
      this.header = entry;
    } else if (entry.tape !== undefined && this.tape === null) {
      this.header = entry;
      this.tape = new TapeReader(this);
      this.began = true;
    } else if (this.tape) {
      this.tape.step(entry, (made, ownLine) => {
        if (!ownLine) this.tape.unwritten.set(this.length, made);
        this.add(chunk, from, to, made);
      });
    } else {
      this.add(chunk, from, to, entry);
    }
  }

  // A line's time in the drawing's time.
  timeOf(entry) {
    if (entry.kind === "began") {
      this.zero = entry.waited_ms ?? 0;
      this.zeros.push(this.zero);
      this.began = true;
    }
    if (entry.waited_ms !== undefined) return entry.waited_ms;
    return this.zero + (entry.at_ms ?? 0);
  }

  add(chunk, from, to, entry) {
    // Times never go back: folded repeats are reported after the lines they repeat.
    const at = Math.max(this.timeOf(entry), this.end);
    this.end = at;
    const kind = kindOf(entry);
    const line = this.time.length;
    const lane = this.laneOf(entry, kind, at);
    this.time.push(at);
    this.kind.push(kind);
    this.lane.push(lane ? lane.row : NOBODY);
    this.chunk.push(chunk);
    this.from.push(from);
    this.to.push(to);
    this.tell(line, kind, at, entry, lane);
    const bad = BAD.has(kind);
    if (bad) this.bad.push(line);
    this.histogram.add(at, bad, entry.times ?? 1);
  }

  laneOf(entry, kind, at) {
    if (entry.conn === undefined) return null;
    let lane = this.byConn.get(entry.conn);
    if (!lane) {
      lane = new Lane(this.time, entry.conn, this.lanes.length, at);
      this.lanes.push(lane);
      this.byConn.set(entry.conn, lane);
      // The reader may have missed its accept: it is treated as open.
      if (kind !== KIND.ACCEPTED && kind !== KIND.REQUEST) lane.upgraded = at;
      this.live.add(lane);
    }
    return lane;
  }

  tell(line, kind, at, entry, lane) {
    if (OUT.has(kind)) {
      this.counts.sent += 1;
      if (kind === KIND.MESSAGE_OUT) this.name(entry.what);
    } else if (IN.has(kind)) {
      this.counts.received += 1;
    }
    if (lane) this.tellLane(line, kind, at, entry, lane);
    else this.tellAll(line, kind, at, entry);
    if (kind === KIND.STATE) this.states.say(String(entry.text), at, lane);
    else if (kind === KIND.UNMET) this.unmet.push(line);
  }

  tellLane(line, kind, at, entry, lane) {
    const was = lane.end;
    lane.take(line, kind, at, entry);
    if (kind === KIND.REQUEST) this.clients.comes(lane);
    if (kind === KIND.UPGRADED) {
      this.counts.upgraded += 1;
    }
    if (kind === KIND.RELEASED) this.released(lane, at, entry);
    if (was === null && lane.end !== null) this.ended(lane);
  }

  ended(lane) {
    this.live.delete(lane);
    // Without a request to read there is nothing to tell it apart by.
    this.clients.comes(lane);
    this.clients.ended(lane);
  }

  released(lane, at, entry) {
    const span = this.states.partitionOf(lane);
    if (!span) return;
    const held = { toClient: entry.to_client_bytes, fromClient: entry.from_client_bytes };
    lane.held.push({ from: Math.max(span.from, lane.accepted), to: at, ...held });
  }

  tellAll(line, kind, at, entry) {
    if (OUT.has(kind)) {
      this.toAll.push(line);
      if (kind === KIND.CLOSE_OUT) this.closeAll(at, entry.what);
      return;
    }
    this.marks.push(line);
    if (kind === KIND.DOWN || kind === KIND.UP) this.states.port(kind === KIND.DOWN, at);
    else if (kind === KIND.DIAL_REFUSED) this.counts.dialsRefused += 1;
    else if (kind === KIND.DIAL_RESET) this.counts.dialsReset += 1;
    else if (kind === KIND.MISSING) this.counts.missing += entry.entries ?? 0;
    else if (kind === KIND.END) this.over = true;
    else if (kind === KIND.REPEATS) this.repeats(at, entry);
    else if (kind === KIND.DROPPED) this.dropAll(at, entry.end);
  }

  repeats(at, entry) {
    const times = entry.times;
    this.repeated.push({ from: at - (entry.over_ms ?? 0), to: at, times });
    if (entry.kind === "dial_refused") this.counts.dialsRefused += times;
    else if (entry.kind === "dial_reset") this.counts.dialsReset += times;
    else if (entry.kind === "upgraded") this.counts.upgraded += times;
    else if (entry.kind === "sent") this.counts.sent += times;
    else if (entry.kind === "received") this.counts.received += times;
  }

  closeAll(at, what) {
    for (const lane of [...this.live]) {
      if (!lane.openAt(at)) continue;
      lane.closedByEngine(at, what);
      if (lane.end) this.ended(lane);
    }
  }

  // For a tape: a journal reports for each connection that it was dropped.
  dropAll(at, how) {
    for (const lane of [...this.live]) {
      lane.over(at, `${how} by the engine`, true, false);
      this.ended(lane);
    }
  }

  // Counts messages by name, up to a number of different names.
  name(what) {
    const known = this.names.get(what);
    if (known !== undefined || this.names.size < 64) this.names.set(what, (known ?? 0) + 1);
  }

  text(line) {
    return this.chunks[this.chunk.at(line)].slice(this.from.at(line), this.to.at(line));
  }

  // The line as an object; parsed on demand, because few are looked at.
  entry(line) {
    const entry = JSON.parse(this.text(line));
    return this.tape ? (this.tape.made(entry, line) ?? entry) : entry;
  }

  // The tape's time for a time of the drawing, in milliseconds.
  tapeMs(at) {
    const zero = this.zeros.findLast((one) => one <= at) ?? this.zeros[0] ?? 0;
    return at - zero;
  }
}
