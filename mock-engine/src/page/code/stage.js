// The drawing: one lane per connection, time from left to right. Only what is in view is drawn; what is
// denser than the screen's columns is drawn as a count.

const LABEL_WIDTH = 196;
const RULER_HEIGHT = 38;
const STATE_ROW = 17;
const STATE_ROWS = 3;
const BAND_HEIGHT = STATE_ROW * STATE_ROWS + 5;
const ALL_HEIGHT = 30;
const HEAD_HEIGHT = RULER_HEIGHT + BAND_HEIGHT + ALL_HEIGHT;
const LANE_HEIGHT = 36;

// Most search results drawn in their lanes.
const MAX_DOTS = 4_000;

// Width of the column within which things are counted together, in pixels.
const COLUMN = 2;

class Stage {
  constructor(element, scroller, spacer, run, view, found) {
    this.canvas = new Canvas(element);
    this.scroller = scroller;
    this.spacer = spacer;
    this.run = run;
    this.view = view;
    // Lines that a search found.
    this.found = found;
    this.backoff = null;
    this.spacerHeight = -1;
    this.printing = false;
    // The stretch being dragged over on the ruler.
    this.brush = null;
  }

  get width() {
    return this.canvas.width - LABEL_WIDTH;
  }

  x(at) {
    return LABEL_WIDTH + ((at - this.view.from) / this.view.span) * this.width;
  }

  timeAt(x) {
    return this.view.from + ((x - LABEL_WIDTH) / this.width) * this.view.span;
  }

  // The lane at this height of the canvas.
  laneAt(y) {
    if (y < HEAD_HEIGHT) return null;
    const row = Math.floor((y - HEAD_HEIGHT + this.scroller.scrollTop) / LANE_HEIGHT);
    return this.run.lanes[row] ?? null;
  }

  draw() {
    const { scroller, canvas, run } = this;
    const height = this.printing ? this.printing.height : scroller.clientHeight;
    canvas.resize(this.printing ? this.printing.width : scroller.clientWidth, height);
    const whole = Math.max(0, run.lanes.length * LANE_HEIGHT + HEAD_HEIGHT + LANE_HEIGHT - height);
    if (whole !== this.spacerHeight) {
      const atEnd = this.view.following && scroller.scrollTop >= this.spacerHeight - LANE_HEIGHT;
      this.spacerHeight = whole;
      this.spacer.style.height = `${whole}px`;
      if (atEnd) scroller.scrollTop = whole;
    }
    canvas.box(palette.paper, 0, 0, canvas.width, height);
    this.hatched = hatch(canvas.pen, palette.held);
    this.grid();
    this.finds = this.findsByRow();
    this.columnsOfAll = this.columns(run.toAll, this.view.from, this.view.to);
    canvas.within(0, HEAD_HEIGHT, canvas.width, height - HEAD_HEIGHT, () => this.lanes(height));
    this.head();
    this.selection(height);
    if (!this.brush) return;
    canvas.pen.globalAlpha = 0.25;
    canvas.box(palette.out, this.brush[0], 0, this.brush[1] - this.brush[0], height);
    canvas.pen.globalAlpha = 1;
  }

  grid() {
    const { canvas, view } = this;
    this.step = niceStep((view.span / this.width) * 90);
    const zero = this.run.zero;
    let at = Math.ceil((view.from - zero) / this.step) * this.step + zero;
    this.ticks = [];
    for (; at <= view.to; at += this.step) {
      this.ticks.push(at);
      canvas.box(palette.grid, Math.round(this.x(at)), RULER_HEIGHT, 1, canvas.height);
    }
  }

  // The columns of a stretch in which a track has something: [x, count, first index].
  columns(track, from, to) {
    const columns = [];
    const size = (this.view.span / this.width) * COLUMN;
    let at = track.find(from);
    while (at < track.length) {
      const time = track.timeAt(at);
      if (time > to) break;
      const column = Math.floor(time / size);
      const next = track.find((column + 1) * size, at + 1);
      columns.push([Math.round(this.x(column * size)), next - at, at]);
      at = next;
    }
    return columns;
  }

  lanes(height) {
    if (this.run.lanes.length === 0) this.nobody();
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / LANE_HEIGHT));
    const last = Math.min(this.run.lanes.length - 1, Math.floor((top + height - HEAD_HEIGHT) / LANE_HEIGHT));
    for (let row = first; row <= last; row += 1) {
      this.lane(this.run.lanes[row], HEAD_HEIGHT + row * LANE_HEIGHT - top);
    }
  }

  // Says why there is no lane.
  nobody() {
    const why = this.run.tape ? "No step of this tape names a connection: what it does to all of them is above." : "Nobody has connected yet.";
    this.canvas.text(palette.soft, why, LABEL_WIDTH + 14, HEAD_HEIGHT + 26);
  }

  lane(lane, y) {
    const { canvas, view } = this;
    if (view.lane === lane) canvas.box(palette.select, 0, y, canvas.width, LANE_HEIGHT);
    canvas.box(palette.grid, 0, y + LANE_HEIGHT - 1, canvas.width, 1);
    canvas.within(LABEL_WIDTH, y, this.width, LANE_HEIGHT, () => {
      this.gap(lane, y);
      this.heldTexts = [];
      this.life(lane, y);
      this.messages(lane, y);
      for (const [text, left, most] of this.heldTexts) this.heldText(text, left, most, y);
      this.ending(lane, y);
    });
    this.label(lane, y);
  }

  label(lane, y) {
    const { canvas } = this;
    const number = canvas.text(palette.ink, `#${lane.conn}`, 10, y + 15, 60, BOLD);
    canvas.text(palette.ink, lane.path || "no request", 16 + number, y + 15, LABEL_WIDTH - number - 26);
    canvas.text(lane.isBad() ? palette.bad : palette.soft, lane.state(), 10, y + 29, LABEL_WIDTH - 20, SMALL);
  }

  // From the previous end to this attempt, beside what the backoff allows.
  gap(lane, y) {
    const { gap } = lane;
    if (!gap) return;
    const { canvas, backoff } = this;
    const [from, to] = [this.x(gap.from), this.x(gap.to)];
    const latest = backoff ? this.x(gap.latest(backoff)) : to;
    if (Math.max(to, latest) < LABEL_WIDTH || from > canvas.width) return;
    const middle = y + LANE_HEIGHT / 2;
    const over = backoff !== null && gap.isOver(backoff);
    canvas.box(palette.gap, from, middle - 3, Math.max(1, to - from), 6);
    if (backoff) {
      if (over) canvas.box(palette.gapOver, latest, middle - 3, to - latest, 6);
      else canvas.box(palette.cap, to, middle - 0.5, Math.max(0, latest - to), 1);
      canvas.box(over ? palette.gapOver : palette.cap, latest - 1, middle - 9, 2, 18);
    }
    this.gapText(gap.words(backoff), over ? palette.bad : palette.soft, from, to, middle);
  }

  // Above the bar if there is room, otherwise before it.
  gapText(text, colour, from, to, middle) {
    const { pen } = this.canvas;
    pen.font = SMALL;
    const width = pen.measureText(text).width;
    if (to - from > width + 8) this.canvas.text(colour, text, Math.max(from, LABEL_WIDTH) + 4, middle - 6, Infinity, SMALL);
    else if (from - width - 6 > LABEL_WIDTH) this.canvas.text(colour, text, from - width - 6, middle + 4, Infinity, SMALL);
  }

  life(lane, y) {
    const { canvas, view } = this;
    const until = lane.end ? lane.end.at : view.latest;
    const [accepted, end] = [this.x(lane.accepted), this.x(until)];
    if (end < LABEL_WIDTH - 400 || accepted > canvas.width) return;
    const left = Math.max(accepted, LABEL_WIDTH - 2);
    const right = Math.min(end, canvas.width + 2);
    const answered = lane.upgraded === null ? right : Math.max(this.x(lane.upgraded), LABEL_WIDTH - 2);
    canvas.box(palette.shake, left, y + 7, Math.max(2, Math.min(answered, right) - left), LANE_HEIGHT - 15);
    if (lane.upgraded !== null && answered < right) {
      canvas.box(palette.open, answered, y + 5, Math.max(2, right - answered), LANE_HEIGHT - 11);
      canvas.box(palette.openEdge, answered, y + 5, 1.5, LANE_HEIGHT - 11);
    }
    this.held(lane, y, until);
  }

  // Partitions, as bars across the connections they hold.
  held(lane, y, until) {
    const spans = [...this.run.states.spans, ...lane.spans];
    for (const span of spans) {
      if (span.key !== "partition") continue;
      const from = Math.max(span.from, lane.accepted);
      const to = Math.min(span.to ?? until, until);
      if (from >= to) continue;
      const [left, right] = [Math.max(this.x(from), LABEL_WIDTH), Math.min(this.x(to), this.canvas.width)];
      if (left >= right) continue;
      this.canvas.pen.fillStyle = this.hatched;
      this.canvas.pen.fillRect(left, y + 5, right - left, LANE_HEIGHT - 11);
      this.canvas.box(palette.held, left, y + 5, right - left, 1.5);
      this.canvas.box(palette.held, left, y + LANE_HEIGHT - 7.5, right - left, 1.5);
      const text = heldWords(lane, span);
      if (text && right - left > 50) this.heldTexts.push([text, left, Math.max(right - left - 12, 120)]);
    }
    for (const span of lane.spans) {
      if (span.key === "partition") continue;
      const [left, right] = [this.x(span.from), this.x(Math.min(span.to ?? until, until))];
      this.canvas.box(palette.state, left, y + LANE_HEIGHT - 5, Math.max(2, right - left), 3);
    }
  }

  heldText(text, left, most, y) {
    this.canvas.pen.font = SMALL;
    const width = Math.min(this.canvas.pen.measureText(text).width, most);
    this.canvas.box(palette.paper, left + 4, y + 11, width + 6, 14);
    this.canvas.text(palette.ink, text, left + 7, y + 22, most, SMALL);
  }

  messages(lane, y) {
    const { view, canvas } = this;
    const [from, to] = [Math.max(view.from, lane.accepted), Math.min(view.to, lane.end ? lane.end.at : Infinity)];
    if (lane.upgraded !== null) {
      const [left, right] = [this.x(Math.max(from, lane.upgraded)) - COLUMN, this.x(Math.min(to, view.to)) + COLUMN];
      for (const [x, many] of this.columnsOfAll) {
        if (x < left || x > right) continue;
        const height = tall(many);
        canvas.box(palette.outAll, x, y + 17 - height, COLUMN, height);
      }
    }
    this.eachColumn(lane.out, view.from, view.to, (x, many, close) => {
      const height = tall(many);
      canvas.box(close ? palette.close : palette.out, x, y + 17 - height, close ? 3 : COLUMN, height);
    });
    this.eachColumn(lane.in, view.from, view.to, (x, many, close) => {
      canvas.box(close ? palette.close : palette.in, x, y + 18, close ? 3 : COLUMN, tall(many));
    });
    this.eachColumn(lane.control, view.from, view.to, (x, many) => {
      canvas.box(palette.control, x, y + 14, COLUMN, 7);
    });
    for (const [x, , at] of this.columns(lane.marks, view.from, view.to)) {
      const kind = this.run.kind.at(lane.marks.lines.at(at));
      if (kind === KIND.NOTE || kind === KIND.HELD || kind === KIND.HUNG || kind === KIND.UNMET) {
        this.diamond(x, y + 6, kind === KIND.NOTE || kind === KIND.HELD ? palette.mark : palette.bad);
      }
    }
    for (const x of this.finds.get(lane.row) ?? []) canvas.box(palette.found, x - 2, y + LANE_HEIGHT - 6, 5, 5);
  }

  eachColumn(track, from, to, draw) {
    for (const [x, many, at] of this.columns(track, from, to)) {
      let close = false;
      for (let i = at; i < at + Math.min(many, 8); i += 1) {
        const kind = this.run.kind.at(track.lines.at(i));
        close ||= kind === KIND.CLOSE_OUT || kind === KIND.CLOSE_IN;
      }
      draw(x, many, close);
    }
  }

  // Where the results of a search are in each lane; if there are too many to tell apart, only the ruler shows
  // them.
  findsByRow() {
    const byRow = new Map();
    const { track } = this.found;
    if (!track) return byRow;
    const [first, last] = [track.find(this.view.from), track.find(this.view.to)];
    if (last - first > MAX_DOTS) return byRow;
    for (let at = first; at < last; at += 1) {
      const line = track.lines.at(at);
      const row = this.run.lane.at(line);
      if (!byRow.has(row)) byRow.set(row, []);
      byRow.get(row).push(this.x(this.run.time.at(line)));
    }
    return byRow;
  }

  diamond(x, y, colour) {
    const { pen } = this.canvas;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x, y - 5);
    pen.lineTo(x + 5, y);
    pen.lineTo(x, y + 5);
    pen.lineTo(x - 5, y);
    pen.fill();
  }

  // How it ended: a bar in the colour of its kind, followed by the words.
  ending(lane, y) {
    if (!lane.end) return;
    const x = this.x(lane.end.at);
    if (x < LABEL_WIDTH - 220 || x > this.canvas.width) return;
    const close = /Close/.test(lane.end.words);
    const colour = lane.isBad() ? palette.bad : close ? palette.close : palette.soft;
    this.canvas.box(colour, x - 1, y + 3, 3, LANE_HEIGHT - 7);
    const text = lane.state();
    // After the cap of the gap before it, if that is near.
    const cap = lane.gap && this.backoff ? this.x(lane.gap.latest(this.backoff)) : x;
    this.canvas.text(colour, text, (cap >= x && cap < x + 90 ? cap : x) + 6, y + 22, Infinity, SMALL);
  }

  selection(height) {
    const { view, canvas, run } = this;
    if (view.line === null) return;
    const x = Math.round(this.x(run.time.at(view.line)));
    if (x < LABEL_WIDTH || x > canvas.width) return;
    canvas.box(palette.ink, x, RULER_HEIGHT - 6, 1, height);
    if (!view.lane) return;
    const y = HEAD_HEIGHT + view.lane.row * LANE_HEIGHT - this.scroller.scrollTop;
    if (y < HEAD_HEIGHT - LANE_HEIGHT) return;
    canvas.pen.strokeStyle = palette.ink;
    canvas.pen.lineWidth = 2;
    canvas.within(LABEL_WIDTH, HEAD_HEIGHT, this.width, height, () => canvas.pen.strokeRect(x - 5, y + 3, 11, LANE_HEIGHT - 8));
  }
}

// How tall the mark for so many is.
function tall(many) {
  return Math.min(13, 8 + 0.8 * Math.log2(many));
}

// What a partition holds back, or held back, of a connection's bytes.
function heldWords(lane, span) {
  const held = lane.held.find((one) => one.to >= span.from && (span.to === null || one.from <= span.to));
  if (held) return `held →${bytes(held.toClient)} ←${bytes(held.fromClient)}`;
  return span.to === null && lane.end === null && lane.waiting > 0 ? `holds ${bytes(lane.waiting)}` : "";
}
