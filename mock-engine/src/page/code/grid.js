// A table of any length in which only the visible rows exist.

const ROW_HEIGHT = 22;

// Browsers limit an element's height to some ten million pixels; beyond that, scrolling is scaled.
const MAX_SCROLL_PX = 8_000_000;

class Grid {
  // `columns` are the headings; `source` has `length`, `cells(row)`, `key(row)`, and `tone(row)` for a row's
  // class.
  constructor(element, label, columns, source, onPick) {
    this.element = element;
    this.source = source;
    this.onPick = onPick;
    this.active = -1;
    this.stick = false;
    this.drawn = "";
    element.setAttribute("role", "grid");
    element.setAttribute("aria-label", label);
    element.tabIndex = 0;
    const head = make("div", { className: "row head", role: "row" });
    head.setAttribute("aria-rowindex", "1");
    for (const column of columns) head.append(make("span", { role: "columnheader", textContent: column }));
    this.head = head;
    this.body = make("div", { className: "rows", role: "rowgroup" });
    element.replaceChildren(make("div", { className: "rows-head", role: "rowgroup" }, head), this.body);
    element.addEventListener("scroll", () => this.draw());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("wheel", () => (this.stick = false), { passive: true });
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row) this.pick(Number(row.dataset.row));
    });
  }

  get room() {
    return Math.max(1, Math.floor((this.element.clientHeight - ROW_HEIGHT) / ROW_HEIGHT));
  }

  get height() {
    return Math.min(MAX_SCROLL_PX, this.source.length * ROW_HEIGHT);
  }

  // How far it can scroll, in pixels.
  get most() {
    return Math.max(0, this.height + this.head.offsetHeight - this.element.clientHeight);
  }

  // The topmost visible row.
  get top() {
    const { most } = this;
    const rows = Math.max(0, this.source.length - this.room);
    if (most === 0) return 0;
    if (this.height < MAX_SCROLL_PX) return Math.min(rows, this.element.scrollTop / ROW_HEIGHT);
    return Math.min(rows, (this.element.scrollTop / most) * rows);
  }

  scrollTo(row) {
    const rows = Math.max(1, this.source.length - this.room);
    const wanted = this.height < MAX_SCROLL_PX ? row * ROW_HEIGHT : (row / rows) * this.most;
    this.element.scrollTop = Math.max(0, wanted);
  }

  draw() {
    if (this.element.hidden || this.element.clientHeight === 0) return;
    const { source, body } = this;
    body.style.height = `${this.height}px`;
    if (this.stick) this.element.scrollTop = this.height;
    const first = Math.floor(this.top);
    const last = Math.min(source.length, first + this.room + 2);
    const state = `${first} ${last} ${this.active} ${source.version}`;
    if (state === this.drawn) return;
    this.drawn = state;
    this.element.setAttribute("aria-rowcount", String(source.length + 1));
    const rows = [];
    const offset = this.height < MAX_SCROLL_PX ? first * ROW_HEIGHT : this.element.scrollTop;
    for (let row = first; row < last; row += 1) rows.push(this.row(row, offset + (row - first) * ROW_HEIGHT));
    body.replaceChildren(...rows);
    if (this.active >= first && this.active < last) this.element.setAttribute("aria-activedescendant", this.id(this.active));
    else this.element.removeAttribute("aria-activedescendant");
  }

  id(row) {
    return `${this.element.id}-${row}`;
  }

  row(row, y) {
    const element = make("div", { role: "row", id: this.id(row), className: `row ${this.source.tone(row)}` });
    element.dataset.row = String(row);
    element.setAttribute("aria-rowindex", String(row + 2));
    element.setAttribute("aria-selected", String(row === this.active));
    element.style.top = `${y}px`;
    for (const cell of this.source.cells(row)) element.append(make("span", { role: "gridcell", textContent: cell }));
    return element;
  }

  pick(row) {
    if (row < 0 || row >= this.source.length) return;
    this.stick = false;
    this.mark(row);
    this.onPick(row);
  }

  // Marks a row and scrolls it into view.
  mark(row) {
    this.active = row;
    const top = this.top;
    if (row >= 0 && (row < top || row >= top + this.room - 1)) this.scrollTo(Math.max(0, row - this.room / 2));
    this.draw();
  }

  key(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: this.room, PageUp: -this.room, Home: -Infinity, End: Infinity };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const row = this.active < 0 && Number.isFinite(move) ? Math.floor(this.top) : Math.max(0, this.active) + move;
    this.pick(Math.max(0, Math.min(this.source.length - 1, row)));
  }
}

// Creates an element with these properties; `role` is set as an attribute, for browsers without that
// property.
function make(name, properties = {}, ...children) {
  const { role, ...rest } = properties;
  const element = Object.assign(document.createElement(name), rest);
  if (role) element.setAttribute("role", role);
  element.append(...children);
  return element;
}
