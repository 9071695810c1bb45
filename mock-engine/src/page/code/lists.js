// The tables below the drawing: the same content, for people who read text.

// Every line, or those that a search found.
class LinesSource {
  constructor(run, found) {
    this.run = run;
    this.found = found;
  }

  get length() {
    return this.found.track ? this.found.track.length : this.run.length;
  }

  get version() {
    return `${this.length} ${this.found.text}`;
  }

  line(row) {
    return this.found.track ? this.found.track.lines.at(row) : row;
  }

  // The row of a line, or where it would be.
  rowOf(line) {
    if (!this.found.track) return line;
    const { lines } = this.found.track;
    let [low, high] = [0, lines.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lines.at(middle) < line) low = middle + 1;
      else high = middle;
    }
    return lines.at(low) === line ? low : -1;
  }

  cells(row) {
    const line = this.line(row);
    const { run } = this;
    const lane = run.lane.at(line);
    const at = run.kind.at(line) === KIND.RULE ? "all run" : (run.tapeMs(run.time.at(line)) / 1000).toFixed(6);
    return [at, lane === NOBODY ? "" : `#${run.lanes[lane].conn}`, words(run.entry(line))];
  }

  tone(row) {
    const kind = this.run.kind.at(this.line(row));
    if (BAD.has(kind)) return "bad";
    if (CONTROL.has(kind)) return "quiet";
    return kind === KIND.MARK ? "mark" : "";
  }
}

const CONNECTION_COLUMNS = ["#", "path", "from", "lasted", "answer", "end", "sent", "received", "gap before"];

class ConnectionsSource {
  constructor(run, stage) {
    this.run = run;
    this.stage = stage;
  }

  get length() {
    return this.run.lanes.length;
  }

  get version() {
    return `${this.run.length} ${this.stage.backoff?.maxMs}`;
  }

  cells(row) {
    const lane = this.run.lanes[row];
    const seconds = (at) => (this.run.tapeMs(at) / 1000).toFixed(3);
    const lasted = lane.end ? lengthText(lane.end.at - lane.accepted) : "open";
    return [
      `#${lane.conn}`, lane.path, seconds(lane.accepted), lasted, lane.answer || "none yet", lane.end ? lane.end.words : "open",
      lane.sent.toLocaleString("en"), lane.received.toLocaleString("en"), lane.gap ? lane.gap.words(this.stage.backoff) : "",
    ];
  }

  tone(row) {
    const { end } = this.run.lanes[row];
    return end?.bad ? "bad" : "";
  }
}

class GapsSource {
  constructor(run, stage) {
    this.run = run;
    this.stage = stage;
  }

  get length() {
    return this.run.clients.gaps.length;
  }

  get version() {
    return `${this.length} ${this.stage.backoff?.initialMs} ${this.stage.backoff?.maxMs}`;
  }

  cells(row) {
    const lane = this.run.clients.gaps[row];
    const { gap } = lane;
    const { backoff } = this.stage;
    return [
      `#${lane.after.conn} → #${lane.conn}`, lane.client, lengthText(gap.ms), backoff ? gap.words(backoff) : "no backoff given",
      backoff && gap.isOver(backoff) ? "over the cap" : "", String(lane.failures), lane.after.end.words,
    ];
  }

  tone(row) {
    const { gap } = this.run.clients.gaps[row];
    return this.stage.backoff && gap.isOver(this.stage.backoff) ? "bad" : "";
  }
}
