// Mouse, touch and keyboard input on the drawing.

// How close to something a click must be to pick it, in pixels.
const NEAR = 7;

class Hands {
  constructor(place, stage, view, run, act) {
    this.place = place;
    this.stage = stage;
    this.view = view;
    this.run = run;
    this.act = act;
    this.drag = null;
    place.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    place.addEventListener("pointerdown", (event) => this.down(event));
    place.addEventListener("pointermove", (event) => this.moved(event));
    place.addEventListener("pointerup", (event) => this.up(event));
    place.addEventListener("pointercancel", () => (this.drag = null));
    place.addEventListener("dblclick", (event) => {
      const { x } = this.where(event);
      if (x > LABEL_WIDTH) view.zoom(0.25, stage.timeAt(x));
    });
    place.addEventListener("keydown", (event) => this.key(event));
  }

  where(event) {
    const box = this.stage.canvas.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  wheel(event) {
    const { x } = this.where(event);
    if (event.ctrlKey || event.metaKey || event.altKey) {
      event.preventDefault();
      this.view.zoom(Math.exp(Math.max(-80, Math.min(80, event.deltaY)) * 0.006), this.stage.timeAt(x));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.view.pan((event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX) / this.stage.width);
    }
  }

  down(event) {
    if (event.button !== 0) return;
    const { x, y } = this.where(event);
    // The scroll bar belongs to the browser.
    if (x >= this.stage.canvas.width) return;
    this.place.setPointerCapture(event.pointerId);
    this.drag = { x, y, from: this.view.from, to: this.view.to, top: this.stage.scroller.scrollTop, zooms: y < RULER_HEIGHT, moved: false };
  }

  moved(event) {
    const { x, y } = this.where(event);
    if (!this.drag) {
      this.act.hover(x, y);
      return;
    }
    const { drag, stage } = this;
    if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 4) return;
    drag.moved = true;
    if (drag.zooms) {
      stage.brush = [Math.min(drag.x, x), Math.max(drag.x, x)];
      this.view.changed();
      return;
    }
    const shift = ((drag.x - x) / stage.width) * (drag.to - drag.from);
    this.view.move(drag.from + shift, drag.to + shift);
    stage.scroller.scrollTop = drag.top + drag.y - y;
  }

  up(event) {
    const { drag, stage } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.moved) {
      const { x, y } = this.where(event);
      this.pick(x, y);
    } else if (drag.zooms && stage.brush) {
      const [from, to] = stage.brush.map((x) => stage.timeAt(x));
      stage.brush = null;
      this.view.move(from, to);
    }
  }

  pick(x, y) {
    const lane = this.stage.laneAt(y);
    const line = this.near(x, y);
    if (line !== null) this.act.select(line, lane ?? undefined);
    else this.view.select(null, lane);
  }

  // The line drawn nearest to a place; null if none is near.
  near(x, y) {
    const { stage, run } = this;
    if (x < LABEL_WIDTH) return null;
    const lane = stage.laneAt(y);
    const tracks = lane ? [lane.marks, lane.control, lane.out, lane.in] : y < HEAD_HEIGHT ? [y > RULER_HEIGHT + BAND_HEIGHT ? run.toAll : run.marks] : [];
    if (lane && lane.upgraded !== null) tracks.push(run.toAll);
    const reach = (NEAR / stage.width) * this.view.span;
    const at = stage.timeAt(x);
    let [best, off] = [null, reach];
    for (const track of tracks) {
      const index = track.find(at);
      for (const near of [index - 1, index]) {
        if (near < 0 || near >= track.length) continue;
        const away = Math.abs(track.timeAt(near) - at);
        if (away < off) [best, off] = [track.lines.at(near), away];
      }
    }
    return best;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = this;
    const pan = event.shiftKey ? 0.2 : null;
    const keys = {
      ArrowLeft: () => (pan ? view.pan(-pan) : this.step(false)),
      ArrowRight: () => (pan ? view.pan(pan) : this.step(true)),
      ArrowUp: () => this.stepLane(-1),
      ArrowDown: () => this.stepLane(1),
      Home: () => this.run.length > 0 && this.act.select(0),
      End: () => this.run.length > 0 && this.act.select(this.run.length - 1),
      Escape: () => view.select(null, null),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  // Moves to the next thing that happened on the selected lane, or on any if none is selected.
  step(forward) {
    const { view, run } = this;
    if (run.length === 0) return;
    const line = view.line ?? (forward ? -1 : run.length);
    if (!view.lane) {
      this.act.select(Math.max(0, Math.min(run.length - 1, line + (forward ? 1 : -1))));
      return;
    }
    const { lane } = view;
    const next = [lane.out, lane.in, lane.control, lane.marks].map((track) => track.step(line, forward)).filter((one) => one !== null);
    if (next.length > 0) this.act.select(forward ? Math.min(...next) : Math.max(...next), lane);
  }

  stepLane(by) {
    const { run, view } = this;
    if (run.lanes.length === 0) return;
    const row = view.lane ? view.lane.row + by : 0;
    const lane = run.lanes[Math.max(0, Math.min(run.lanes.length - 1, row))];
    this.act.selectLane(lane);
  }
}
