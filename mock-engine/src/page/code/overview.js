// The whole run in a strip: how much happened when, what went wrong, and which stretch is in view.

class Overview {
  constructor(element, run, view) {
    this.canvas = new Canvas(element);
    this.run = run;
    this.view = view;
    this.grip = null;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.moved(event));
    element.addEventListener("pointerup", () => (this.grip = null));
    element.addEventListener("pointercancel", () => (this.grip = null));
  }

  get length() {
    return this.view.latest * 1.02;
  }

  x(at) {
    return (at / this.length) * this.canvas.width;
  }

  draw() {
    const { canvas, run, view } = this;
    const place = canvas.element.parentElement;
    canvas.resize(place.clientWidth, place.clientHeight);
    canvas.box(palette.panel, 0, 0, canvas.width, canvas.height);
    this.bars();
    for (const span of run.states.spans) {
      const colour = span.key === "down" ? palette.bad : span.key === "partition" ? palette.held : palette.state;
      const [from, to] = [this.x(span.from), this.x(span.to ?? view.latest)];
      canvas.box(colour, from, canvas.height - 5, Math.max(2, to - from), 4);
    }
    for (const line of run.unmet) canvas.box(palette.bad, this.x(run.time.at(line)) - 1, 0, 3, canvas.height);
    const [from, to] = [this.x(view.from), this.x(view.to)];
    canvas.pen.globalAlpha = 0.62;
    canvas.box(palette.paper, 0, 0, Math.max(0, from), canvas.height);
    canvas.box(palette.paper, to, 0, Math.max(0, canvas.width - to), canvas.height);
    canvas.pen.globalAlpha = 1;
    canvas.box(palette.ink, Math.max(0, from), 0, 2, canvas.height);
    canvas.box(palette.ink, Math.min(canvas.width - 2, to), 0, 2, canvas.height);
  }

  bars() {
    const { histogram } = this.run;
    const scale = Math.log2(histogram.most + 1) || 1;
    const height = this.canvas.height - 8;
    const wide = Math.max(1, this.x(histogram.binMs));
    const bins = Math.min(MAX_BINS, Math.ceil(this.run.end / histogram.binMs) + 1);
    for (let bin = 0; bin < bins; bin += 1) {
      const many = histogram.counts[bin];
      if (many === 0) continue;
      const x = this.x(bin * histogram.binMs);
      const tall = (Math.log2(many + 1) / scale) * height;
      this.canvas.box(palette.outAll, x, 3 + height - tall, wide, tall);
      if (histogram.bad[bin] > 0) this.canvas.box(palette.bad, x, 3 + height - tall, Math.max(2, wide), Math.min(tall, 5));
    }
  }

  down(event) {
    this.canvas.element.setPointerCapture(event.pointerId);
    const at = (event.offsetX / this.canvas.width) * this.length;
    const { from, to } = this.view;
    const near = (time) => Math.abs(this.x(time) - event.offsetX) < 6;
    if (near(from)) this.grip = { edge: "from" };
    else if (near(to)) this.grip = { edge: "to" };
    else if (at > from && at < to) this.grip = { at: at - from };
    else {
      this.grip = { at: (to - from) / 2 };
      this.moved(event);
    }
  }

  moved(event) {
    if (!this.grip) return;
    const at = (event.offsetX / this.canvas.width) * this.length;
    const { from, to, span } = this.view;
    if (this.grip.edge === "from") this.view.move(Math.min(at, to - MIN_SPAN_MS), to);
    else if (this.grip.edge === "to") this.view.move(from, Math.max(at, from + MIN_SPAN_MS));
    else this.view.move(at - this.grip.at, at - this.grip.at + span);
  }
}
