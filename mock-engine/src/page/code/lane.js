// A connection, drawn as a lane.

class Lane {
  constructor(times, conn, row, at) {
    this.conn = conn;
    this.row = row;
    this.accepted = at;
    this.upgraded = null;
    this.request = null;
    this.answer = "";
    // {at, words, bad, left}: `left` if the client left of its own accord and nobody waits for it to return.
    this.end = null;
    this.sent = 0;
    this.received = 0;
    this.clientClose = null;
    this.engineClose = null;
    // {from, ms, attempt}: the time without a connection before this attempt, and how many attempts in a row
    // had failed before it.
    this.gap = null;
    this.failures = 0;
    this.after = null;
    // Partitions and other states of this connection only: {key, text, from, to, held}.
    this.spans = [];
    // What partitions held back until they ended: {from, to, toClient, fromClient}.
    this.held = [];
    // What is waiting to be sent to it now, in bytes, in a live run.
    this.waiting = 0;
    this.out = new Track(times);
    this.in = new Track(times);
    this.control = new Track(times);
    this.marks = new Track(times);
  }

  // Takes from a line what concerns this connection.
  take(line, kind, at, entry) {
    if (OUT.has(kind)) this.takeOut(line, kind, at, entry);
    else if (IN.has(kind)) this.takeIn(line, kind, at, entry);
    else this.marks.push(line);
    const answer = ANSWERS[kind];
    if (answer) answer(this, at, entry);
  }

  takeOut(line, kind, at, entry) {
    this.sent += 1;
    (CONTROL.has(kind) ? this.control : this.out).push(line);
    if (kind === KIND.CLOSE_OUT) this.closedByEngine(at, entry.what);
  }

  takeIn(line, kind, at, entry) {
    this.received += 1;
    (CONTROL.has(kind) ? this.control : this.in).push(line);
    if (kind !== KIND.CLOSE_IN) return;
    this.clientClose = entry.code ?? "";
    if (this.engineClose !== null) this.over(at, `engine's Close ${this.engineClose}`, false, false);
  }

  // The engine sent a Close to this connection, or to all.
  closedByEngine(at, what) {
    const code = String(what).replace(/^close ?/, "");
    if (this.clientClose !== null) this.over(at, `client's Close ${this.clientClose}`, false, true);
    else this.engineClose ??= code;
  }

  // Only the first end counts; its consequences are not another one.
  over(at, words, bad, left) {
    this.end ??= { at, words: words.trim(), bad, left };
  }

  openAt(at) {
    return this.upgraded !== null && this.upgraded <= at && (this.end === null || this.end.at > at);
  }

  // Its state in words.
  state() {
    const answer = this.upgraded === null && this.answer && this.end && !this.end.words.includes(this.answer) ? `${this.answer}, ` : "";
    if (this.end) return answer + this.end.words;
    return this.upgraded === null ? this.answer || "handshake" : "open";
  }

  isBad() {
    return this.end?.bad || (this.upgraded === null && this.answer !== "" && !/^[123]/.test(this.answer));
  }

  get path() {
    return this.request ? String(this.request.path) : "";
  }

  // Identifies its client: the same path requested by the same program.
  get client() {
    if (!this.request) return "";
    const agent = this.request.headers && this.request.headers["user-agent"];
    return `${this.path.split("?")[0]}${agent ? ` by ${agent}` : ""}`;
  }

  isUpgrade() {
    const upgrade = this.request && this.request.headers && this.request.headers.upgrade;
    return upgrade === undefined || /websocket/i.test(String(upgrade));
  }
}

// What each kind that tells how a connection was answered, or how it ended, changes in its lane.
const ANSWERS = {
  [KIND.REQUEST]: (lane, at, entry) => {
    lane.request = entry;
  },
  [KIND.UPGRADED]: (lane, at) => {
    lane.answer = "101";
    lane.upgraded = at;
  },
  [KIND.REFUSED]: (lane, at, entry) => {
    lane.answer = String(entry.status);
    lane.over(at, `refused ${entry.status}`, true, false);
  },
  [KIND.HTTP_ANSWERED]: (lane, at, entry) => {
    lane.answer = String(entry.status);
    lane.over(at, `answered ${entry.status}`, entry.status >= 400, !lane.isUpgrade());
  },
  [KIND.GARBAGE_SENT]: (lane) => {
    lane.answer = "not HTTP";
  },
  [KIND.HUNG]: (lane) => {
    lane.answer = "never answered";
  },
  [KIND.DROPPED]: (lane, at, entry) => lane.over(at, `${entry.end} by the engine`, true, false),
  [KIND.CLIENT_CLOSED]: (lane, at) => {
    lane.over(at, "client fin", false, lane.upgraded !== null && lane.clientClose !== null);
  },
  [KIND.CLIENT_RESET]: (lane, at) => lane.over(at, "client reset", true, false),
  [KIND.OVERRUN]: (lane, at) => lane.over(at, "overrun: reset", true, false),
  [KIND.PROTOCOL_ERROR]: (lane, at) => lane.over(at, "protocol error", true, false),
  [KIND.TLS_FAILED]: (lane, at) => lane.over(at, "TLS failed", true, false),
};
