// The page: puts everything above together.

// Shortest time between two drawings while following a live run or reading a file, in milliseconds: the
// engine and its clients share the machine.
const FOLLOW_EVERY_MS = 33;
const READ_EVERY_MS = 160;

// Lines searched between two looks at the clock.
const SEARCH_LINES = 2_000;

// How often to ask a live engine for its time and its faults, in milliseconds.
const ASK_EVERY_MS = 1_000;

// Most text a live page keeps, in characters; beyond that it starts again with the newest lines.
const MAX_LIVE_CHARS = 1 << 29;

const $ = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.live = document.body.dataset.source === "live";
    this.run = new Run();
    this.view = new View(this.run);
    this.found = new Search(this.run);
    this.feed = new Feed(this.run);
    this.stage = new Stage($("lanes"), $("scroller"), $("spacer"), this.run, this.view, this.found);
    this.overview = new Overview($("overview"), this.run, this.view);
    this.details = new Details($("details"), this.run, this.view, this.live ? (lane) => this.faultsFor(lane) : null);
    this.lines = new Grid($("lines"), "Lines", ["time", "#", "what happened"], new LinesSource(this.run, this.found), (row) => this.pickRow(row));
    this.connections = new Grid(
      $("connections"), "Connections", CONNECTION_COLUMNS,
      new ConnectionsSource(this.run, this.stage), (row) => this.selectLane(this.run.lanes[row]),
    );
    this.gaps = new Grid(
      $("gaps"), "Gaps", ["from, to", "client", "gap", "cap", "", "failures before", "after"],
      new GapsSource(this.run, this.stage), (row) => this.selectLane(this.run.clients.gaps[row]),
    );
    const act = { hover: (x, y) => this.hover(x, y), select: (line, lane) => this.select(line, lane), selectLane: (lane) => this.selectLane(lane) };
    this.hands = new Hands($("scroller"), this.stage, this.view, this.run, act);
    this.dirty = true;
    this.drawnAt = -Infinity;
    this.scheduled = false;
    this.view.listeners.push(() => this.wake(true));
  }

  start() {
    readPalette();
    this.readFragment();
    this.controls();
    if (this.live) this.startLive();
    else this.startFile();
    new ResizeObserver(() => this.wake(true)).observe($("scroller"));
    new ResizeObserver(() => this.wake(true)).observe($("lower"));
    $("scroller").addEventListener("scroll", () => this.wake(true));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    document.addEventListener("visibilitychange", () => {
      this.scheduled = false;
      this.wake(true);
    });
    window.addEventListener("beforeprint", () => this.print(true));
    window.addEventListener("afterprint", () => this.print(false));
    this.wake(true);
  }

  // `#token=…&backoff=500,30000`: a browser never sends what follows the #.
  readFragment() {
    const said = new URLSearchParams(location.hash.slice(1));
    this.token = said.get("token");
    this.setBackoff(said.get("backoff") ?? document.body.dataset.backoff ?? "");
  }

  setBackoff(text) {
    this.stage.backoff = Backoff.parse(text);
    if (this.stage.backoff) {
      $("backoff-initial").value = String(this.stage.backoff.initialMs);
      $("backoff-max").value = String(this.stage.backoff.maxMs);
    }
    this.wake(true);
  }

  startFile() {
    this.source = new FileSource(this.feed);
    $("state").textContent = "reading";
    const title = document.body.dataset.title;
    if (title) $("title").textContent = title;
    document.addEventListener("readystatechange", () => this.wake(true));
  }

  startLive() {
    document.body.classList.add("live");
    this.port = new ControlPort(this.token);
    this.faults = new Faults($("faults"), this.run, this.port, (text, bad) => this.say(text, bad));
    this.view.following = true;
    this.view.fitted = false;
    this.lines.stick = true;
    this.showTab("faults");
    const source = new LiveSource(this.port, this.feed, (state, why) => this.liveState(state, why));
    const give = this.feed.give.bind(this.feed);
    this.feed.give = (text) => {
      give(text);
      this.wake(false);
    };
    void source.follow();
    setInterval(() => void this.ask(), ASK_EVERY_MS);
    void this.ask();
  }

  liveState(state, why) {
    this.state = state;
    document.body.dataset.state = state;
    $("state").textContent = { live: "live", lost: "not connected", denied: "wants a token" }[state];
    if (why && why !== this.why) this.say(why, true);
    this.why = why;
    $("token-form").hidden = state !== "denied";
    if (state !== "live") this.nowAt = null;
  }

  // The engine's own time, which advances even if no line comes, and the faults in force.
  async ask() {
    if (this.state !== "live" || document.hidden) return;
    try {
      const engine = await this.port.json("GET", "/v1/engine");
      if (this.run.header && this.run.header.up !== engine.up) location.reload();
      // The line that set it may be older than what the port still has.
      this.run.began ||= engine.began;
      this.nowAt = { ms: this.run.zero + engine.at_ms, clock: performance.now(), began: engine.began };
      this.view.now = () => (this.nowAt?.began ? this.nowAt.ms + performance.now() - this.nowAt.clock : 0);
      await this.faults.refresh();
      if (this.run.states.holds) await this.askHeld();
    } catch {
      // Whoever follows the journal notices this too, and reports it.
    }
  }

  // What partitions hold back so far.
  async askHeld() {
    const { connections } = await this.port.json("GET", "/v1/connections");
    for (const { conn, held, waiting_bytes: waiting } of connections) {
      const lane = this.run.byConn.get(conn);
      if (lane) lane.waiting = held ? waiting : 0;
    }
  }

  wake(dirty) {
    this.dirty ||= dirty;
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) setTimeout(() => this.frame(performance.now()), 250);
    else requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.scheduled = false;
    this.source?.poll();
    const worked = this.feed.step(now + WORK_MS);
    const searching = this.search(performance.now() + WORK_MS / 2);
    if (worked || searching) this.dirty = true;
    const reading = !this.live && !(this.source.done && this.feed.idle);
    const every = reading && this.run.length > 0 ? READ_EVERY_MS : FOLLOW_EVERY_MS;
    if (!document.hidden && (this.dirty || this.view.following) && (now - this.drawnAt >= every - 2 || !worked && !this.view.following)) {
      this.dirty = false;
      this.drawnAt = now;
      this.draw(reading);
    }
    if (reading || this.dirty || searching || !this.feed.idle || (this.view.following && this.state !== "lost")) this.wake(false);
    if (this.live && (this.run.length > MAX_LINES || this.run.chars > MAX_LIVE_CHARS)) location.reload();
  }

  draw(reading) {
    const started = performance.now();
    this.view.follow();
    if (!this.live && this.view.fitted) {
      this.view.fitted = false;
      this.fitQuietly();
    }
    this.stage.draw();
    this.overview.draw();
    this.details.draw();
    for (const grid of [this.lines, this.connections, this.gaps]) grid.draw();
    this.summary(reading);
    if (this.run.length > 0 && !this.drawn) {
      this.drawn = true;
      performance.mark("first-drawing");
    }
    this.longest = Math.max(this.longest ?? 0, performance.now() - started);
  }

  // While a file is being read, the drawing shows everything read so far.
  fitQuietly() {
    const { view } = this;
    const { listeners } = view;
    view.listeners = [];
    view.fit();
    view.listeners = listeners;
  }

  search(deadline) {
    if (this.found.done) return false;
    while (!this.found.done && performance.now() < deadline) this.found.work(SEARCH_LINES);
    return true;
  }

  summary(reading) {
    const { run, view } = this;
    const dials = run.lanes.length + run.counts.dialsRefused + run.counts.dialsReset;
    const parts = [count(dials, "dial"), `${run.counts.upgraded.toLocaleString("en")} upgraded`, `${openNow(run).toLocaleString("en")} open`];
    parts.push(`${run.counts.sent.toLocaleString("en")} sent`, `${run.counts.received.toLocaleString("en")} received`);
    if (run.counts.missing > 0) parts.push(`${count(run.counts.missing, "line")} missing`);
    if (run.flaws > 0) parts.push(`${count(run.flaws, "line")} not understood`);
    setText($("summary"), run.tape ? count(run.length, "step") : parts.join(" · "));
    setText($("unmet"), run.unmet.length > 0 ? `${run.unmet.length} not met` : "");
    setText($("trouble-count"), run.bad.length.toLocaleString("en"));
    if (!this.live) setText($("state"), reading ? `reading, ${count(run.length, "line")}` : count(run.length, "line"));
    setText($("found"), this.found.track ? `${count(this.found.track.length, "line")}${this.found.done ? "" : " so far"}` : "");
    setText($("span"), `${lengthText(view.span)} in sight`);
    $("follow").setAttribute("aria-pressed", String(view.following));
    if (!this.named && run.header) this.name();
    this.describe();
  }

  name() {
    this.named = true;
    const { header } = this.run;
    const name = header.url || header.title || (this.run.tape ? "a tape" : "a journal");
    if (!document.body.dataset.title) $("title").textContent = name;
    else $("title").textContent = `${document.body.dataset.title}: ${name}`;
    document.title = `${$("title").textContent} · wstape`;
  }

  // What the canvas shows, in words.
  describe() {
    const { run, view } = this;
    const now = performance.now();
    if (now - (this.describedAt ?? -Infinity) < 2000) return;
    this.describedAt = now;
    const text = `${count(run.lanes.length, "connection")}, ${timeText(run.tapeMs(view.from))} to ${timeText(run.tapeMs(view.to))}; the tables below hold the same as text`;
    $("lanes").setAttribute("aria-label", text);
  }

  select(line, lane = undefined) {
    this.view.setFollowing(false);
    this.lines.stick = false;
    this.view.select(line, lane);
    this.view.show(this.run.time.at(line));
    this.reveal(this.view.lane);
    this.lines.mark(this.lines.source.rowOf(line));
    this.showTab("details");
    this.say(words(this.run.entry(line)), false);
  }

  selectLane(lane) {
    this.view.select(null, lane);
    if (lane.end ? lane.end.at < this.view.from : false) this.view.show(lane.accepted);
    else if (lane.accepted > this.view.to) this.view.show(lane.accepted);
    this.reveal(lane);
    this.showTab("details");
    this.say(`connection ${lane.conn}, ${lane.path || "no request"}, ${lane.end ? lane.end.words : "open"}`, false);
  }

  faultsFor(lane) {
    this.faults.choose(lane);
    this.showTab("faults");
    this.faults.whose.focus();
  }

  reveal(lane) {
    if (!lane) return;
    const { scroller } = this.stage;
    const y = lane.row * LANE_HEIGHT;
    const room = scroller.clientHeight - HEAD_HEIGHT - LANE_HEIGHT;
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    else if (y > scroller.scrollTop + room) scroller.scrollTop = y - room;
  }

  pickRow(row) {
    this.select(this.lines.source.line(row));
  }

  hover(x, y) {
    if (x < LABEL_WIDTH) return;
    const line = this.hands.near(x, y);
    const at = timeText(this.run.tapeMs(line === null ? this.stage.timeAt(x) : this.run.time.at(line)), Math.min(1, this.stage.step / 100));
    setText($("hover"), line === null ? at : `${at}  ${words(this.run.entry(line))}`);
    $("scroller").classList.toggle("near", line !== null);
  }

  say(text, bad) {
    $("say").textContent = text;
    $("say").classList.toggle("bad", bad);
  }

  recolour() {
    readPalette();
    this.wake(true);
  }
}

// Connections that are open now; a tape's are open until something says otherwise.
function openNow(run) {
  let open = 0;
  for (const lane of run.live) if (lane.upgraded !== null) open += 1;
  return open;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
