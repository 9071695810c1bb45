// A search through every line, piece by piece, so that not even a million of them delay a frame.

class Search {
  constructor(run) {
    this.run = run;
    this.text = "";
    this.track = null;
    this.pattern = null;
    this.conn = null;
    this.next = 0;
  }

  // Searches for a text, ignoring case; `#5` finds a connection; an empty text ends the search.
  start(text) {
    this.text = text.trim();
    this.next = 0;
    this.pattern = null;
    this.conn = null;
    this.track = this.text ? new Track(this.run.time) : null;
    const conn = /^#(\d+)(?:\s+(.*))?$/.exec(this.text);
    if (conn) this.conn = Number(conn[1]);
    const rest = conn ? (conn[2] ?? "") : this.text;
    if (rest) this.pattern = new RegExp(pattern(rest), "i");
  }

  get done() {
    return this.track === null || this.next >= this.run.length;
  }

  // Searches so many more lines.
  work(lines) {
    if (this.done) return;
    const { run } = this;
    const end = Math.min(run.length, this.next + lines);
    for (let line = this.next; line < end; line += 1) {
      if (this.conn !== null) {
        const lane = run.lane.at(line);
        if (lane === NOBODY || run.lanes[lane].conn !== this.conn) continue;
      }
      if (this.pattern === null || this.pattern.test(run.text(line))) this.track.push(line);
    }
    this.next = end;
  }
}

// The text as it may appear in a line of JSON: quotes with or without a backslash, `<` escaped or not.
function pattern(text) {
  return text
    .replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")
    .replaceAll('"', '\\\\*"')
    .replaceAll("<", "(?:<|\\\\u003c)");
}
