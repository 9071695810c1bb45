// What stands above the lanes and concerns all of them: the ruler with its marks, the fault bars, and what is
// sent to everybody.

// Most marks whose text is looked up for one frame.
const MAX_FLAGS = 60;

// Kinds drawn as a bar, not as a flag.
const UNFLAGGED = new Set([KIND.STATE, KIND.DOWN, KIND.UP, KIND.REPEATS]);

Stage.prototype.head = function head() {
  const { canvas } = this;
  canvas.box(palette.panel, 0, 0, canvas.width, HEAD_HEIGHT);
  canvas.within(LABEL_WIDTH, 0, this.width, HEAD_HEIGHT, () => {
    this.ruler();
    this.flags();
    if (this.found.track) for (const [x] of this.columns(this.found.track, this.view.from, this.view.to)) canvas.box(palette.found, x, 0, COLUMN, 5);
    this.stateBars();
    this.sentToAll();
  });
  canvas.box(palette.panel, 0, 0, LABEL_WIDTH, HEAD_HEIGHT);
  canvas.text(palette.soft, this.run.began ? "time of the tape" : "since the engine came up", 10, 16, LABEL_WIDTH - 20, SMALL);
  canvas.text(palette.soft, "marks, not met", 10, 32, LABEL_WIDTH - 20, SMALL);
  canvas.text(palette.ink, "faults of all", 10, RULER_HEIGHT + 16, LABEL_WIDTH - 20);
  const y = RULER_HEIGHT + BAND_HEIGHT;
  canvas.text(palette.ink, "sent to all", 10, y + 18, LABEL_WIDTH - 20);
  canvas.box(palette.line, 0, HEAD_HEIGHT - 1, canvas.width, 1);
  canvas.box(palette.line, LABEL_WIDTH - 1, 0, 1, canvas.height);
};

Stage.prototype.ruler = function ruler() {
  for (const at of this.ticks) {
    const x = Math.round(this.x(at));
    this.canvas.box(palette.line, x, 12, 1, HEAD_HEIGHT);
    this.canvas.text(palette.soft, timeText(this.run.tapeMs(at), this.step), x + 4, 16, 90, SMALL);
  }
  if (this.view.now && this.view.latest < this.view.to) {
    this.canvas.box(palette.openEdge, Math.round(this.x(this.view.latest)), 0, 1, this.canvas.height);
  }
};

// Marks, notes and unmet expectations as flags; where they crowd, only the most serious.
Stage.prototype.flags = function flags() {
  const { run, view, canvas } = this;
  const flags = [];
  for (const [x, many, at] of this.columns(run.marks, view.from, view.to)) {
    const line = this.worst(run.marks, at, Math.min(many, 32));
    const kind = run.kind.at(line);
    if (UNFLAGGED.has(kind)) continue;
    const bad = BAD.has(kind);
    const colour = bad ? palette.bad : kind === KIND.MARK ? palette.mark : palette.soft;
    canvas.box(colour, x, 22, bad ? 3 : 2, HEAD_HEIGHT - 22);
    flags.push({ x, line, kind, colour, rank: bad ? 0 : kind === KIND.MARK ? 1 : 2 });
  }
  // The most important texts are placed first and take the room.
  const taken = [];
  for (const flag of flags.sort((a, b) => a.rank - b.rank || a.x - b.x).slice(0, MAX_FLAGS)) this.flagText(flag, taken);
};

Stage.prototype.flagText = function flagText({ x, line, kind, colour }, taken) {
  const entry = this.run.entry(line);
  const text = kind === KIND.MARK ? entry.name : kind === KIND.EXPECT ? "expect" : words(entry);
  const { pen } = this.canvas;
  pen.font = SMALL;
  const width = Math.min(260, pen.measureText(text).width);
  if (taken.some(([from, to]) => x < to && x + width + 6 > from)) return;
  taken.push([x, x + width + 10]);
  this.canvas.text(colour, text, x + 5, 32, 260, SMALL);
};

Stage.prototype.worst = function worst(track, at, many) {
  let found = track.lines.at(at);
  for (let i = at; i < at + many; i += 1) {
    const line = track.lines.at(i);
    const kind = this.run.kind.at(line);
    if (kind === KIND.UNMET) return line;
    if (BAD.has(kind) || (kind === KIND.MARK && !BAD.has(this.run.kind.at(found)))) found = line;
  }
  return found;
};

// Faults of all connections as bars, each in the first row with room for it and its text, or else in the last
// row.
Stage.prototype.stateBars = function stateBars() {
  const { run, view, canvas } = this;
  const rows = Array.from({ length: STATE_ROWS }, () => []);
  canvas.pen.font = SMALL;
  for (const span of run.states.spans) {
    const to = span.to ?? view.latest;
    if (to < view.from || span.from > view.to) continue;
    const left = Math.max(this.x(span.from), LABEL_WIDTH);
    const width = Math.max(3, this.x(to) - left);
    const label = canvas.pen.measureText(span.text).width + 10;
    const room = rows.find((row) => row.length === 0 || row.at(-1).end <= left) ?? rows.at(-1);
    room.push({ span, left, width, label, end: left + width + (width > label ? 0 : label) });
  }
  rows.forEach((bars, row) => bars.forEach((bar, at) => this.stateBar(bar, bars[at - 1], bars[at + 1], RULER_HEIGHT + 3 + row * STATE_ROW)));
};

// A bar and its text: inside it, after it, or before it at the drawing's edge; without text if there is no
// room.
Stage.prototype.stateBar = function stateBar({ span, left, width, label }, before, behind, y) {
  const { canvas } = this;
  const colour = span.key === "down" ? palette.bad : span.key === "partition" ? palette.held : palette.state;
  canvas.box(colour, left, y, width, STATE_ROW - 3);
  if (width > label) {
    canvas.text(palette.paper, span.text, left + 5, y + 11, width - 8, SMALL);
  } else if (left + width + label <= Math.min(behind?.left ?? Infinity, canvas.width)) {
    canvas.text(palette.ink, span.text, left + width + 4, y + 11, Infinity, SMALL);
  } else if (!behind && left - label >= (before ? before.end : LABEL_WIDTH)) {
    canvas.text(palette.ink, span.text, left - label + 5, y + 11, Infinity, SMALL);
  }
};

Stage.prototype.sentToAll = function sentToAll() {
  const { run, canvas, view } = this;
  const y = RULER_HEIGHT + BAND_HEIGHT;
  for (const repeat of run.repeated) {
    if (repeat.to < view.from || repeat.from > view.to) continue;
    const [left, right] = [this.x(repeat.from), this.x(repeat.to)];
    canvas.box(palette.cap, left, y + ALL_HEIGHT - 6, Math.max(2, right - left), 4);
  }
  let free = -Infinity;
  let said = 0;
  for (const [x, many, at] of this.columnsOfAll) {
    const line = run.toAll.lines.at(at);
    const kind = run.kind.at(line);
    const colour = CONTROL.has(kind) ? palette.control : kind === KIND.CLOSE_OUT ? palette.close : palette.out;
    const height = Math.min(16, 8 + 1.4 * Math.log2(many));
    canvas.box(colour, x, y + 21 - height, COLUMN, height);
    if (x < free || said >= MAX_FLAGS || this.columnsOfAll.length > 4 * MAX_FLAGS) continue;
    said += 1;
    free = x + 10 + canvas.text(palette.soft, run.entry(line).what, x + 4, y + 11, 90, SMALL);
  }
};
