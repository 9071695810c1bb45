// The toolbar, the tabs, global keys, and printing.

// Size of a printed page in pixels: a sheet in landscape, with as many lanes as stay legible on it.
const PRINT_WIDTH = 1040;
const MAX_PRINTED_LANES = 40;

Page.prototype.controls = function controls() {
  const { view } = this;
  const click = (id, act) => $(id).addEventListener("click", act);
  click("zoom-in", () => view.zoom(0.5));
  click("zoom-out", () => view.zoom(2));
  click("fit", () => view.fit());
  click("follow", () => this.toggleFollow());
  click("trouble-next", () => this.toNext(this.run.bad, true));
  click("trouble-before", () => this.toNext(this.run.bad, false));
  click("found-next", () => this.toNext(this.found.track, true));
  click("found-before", () => this.toNext(this.found.track, false));
  click("unmet", () => this.toNextUnmet());
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.addEventListener("click", () => this.showTab(tab.dataset.panel));
    tab.addEventListener("keydown", (event) => this.tabKey(event));
  }
  $("search").addEventListener("input", () => {
    this.found.start($("search").value);
    this.lines.scrollTo(0);
    this.wake(true);
  });
  const backoff = () => this.setBackoff(`${$("backoff-initial").value},${$("backoff-max").value}`);
  $("backoff-initial").addEventListener("input", backoff);
  $("backoff-max").addEventListener("input", backoff);
  $("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const said = new URLSearchParams(location.hash.slice(1));
    said.set("token", $("token").value);
    location.hash = said.toString();
    location.reload();
  });
  document.addEventListener("keydown", (event) => this.key(event));
};

Page.prototype.toggleFollow = function toggleFollow() {
  this.lines.stick = !this.view.following;
  this.view.setFollowing(!this.view.following);
  if (this.view.following) this.stage.scroller.scrollTop = this.stage.spacerHeight + LANE_HEIGHT;
};

Page.prototype.toNext = function toNext(track, forward) {
  if (!track || track.length === 0) return;
  const none = forward ? -1 : this.run.length;
  const line = track.step(this.view.line ?? none, forward) ?? track.step(none, forward);
  this.select(line);
};

Page.prototype.toNextUnmet = function toNextUnmet() {
  const { unmet } = this.run;
  if (unmet.length === 0) return;
  this.select(unmet.find((line) => line > (this.view.line ?? -1)) ?? unmet[0]);
};

Page.prototype.showTab = function showTab(name) {
  const tab = document.querySelector(`[data-panel=${name}]`);
  if (!tab || tab.getAttribute("aria-selected") === "true") return;
  for (const other of tab.parentElement.querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    $(other.dataset.panel).hidden = !on;
  }
  this.wake(true);
};

Page.prototype.tabKey = function tabKey(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const tabs = [...event.currentTarget.parentElement.querySelectorAll("[role=tab]")].filter((tab) => tab.offsetParent !== null);
  const next = tabs[(tabs.indexOf(event.currentTarget) + by + tabs.length) % tabs.length];
  event.preventDefault();
  event.stopPropagation();
  this.showTab(next.dataset.panel);
  next.focus();
};

// Keys that work unless something is being typed.
Page.prototype.key = function key(event) {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key === "Escape") {
      // The browser would clear the field but leave the results.
      event.preventDefault();
      $("scroller").focus();
    }
    return;
  }
  const { view } = this;
  const keys = {
    "/": () => $("search").focus(),
    "+": () => view.zoom(0.5),
    "=": () => view.zoom(0.5),
    "-": () => view.zoom(2),
    0: () => view.fit(),
    f: () => this.live && this.toggleFollow(),
    n: () => this.toNext(this.found.track, true),
    N: () => this.toNext(this.found.track, false),
    t: () => this.toNext(this.run.bad, true),
    T: () => this.toNext(this.run.bad, false),
  };
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
};

// On paper: light colours, and all lanes one below the other, since nothing scrolls.
Page.prototype.print = function print(on) {
  document.documentElement.classList.toggle("printing", on);
  readPalette();
  const lanes = Math.min(this.run.lanes.length, MAX_PRINTED_LANES);
  this.stage.printing = on ? { width: PRINT_WIDTH, height: HEAD_HEIGHT + (lanes + 1) * LANE_HEIGHT } : false;
  this.stage.spacerHeight = -1;
  if (on) {
    this.stage.draw();
    this.printTable();
  } else {
    $("printed").replaceChildren();
    this.wake(true);
  }
};

Page.prototype.printTable = function printTable() {
  const source = this.connections.source;
  const rows = [];
  for (let row = 0; row < Math.min(source.length, MAX_PRINTED_LANES); row += 1) {
    rows.push(make("tr", {}, ...source.cells(row).map((cell) => make("td", { textContent: cell }))));
  }
  const unmet = this.run.unmet.map((line) => make("li", { textContent: words(this.run.entry(line)) }));
  $("printed").replaceChildren(
    make("ul", {}, ...unmet),
    make("table", {}, make("thead", {}, make("tr", {}, ...CONNECTION_COLUMNS.map((name) => make("th", { textContent: name })))), make("tbody", {}, ...rows)),
  );
};
