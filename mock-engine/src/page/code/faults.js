// Fault buttons. Each one is a line of a tape: it shows the line and posts it to the control port.

const whose = (conn) => (conn === "all" ? {} : { conn: Number(conn) });
const lasting = (ms) => (ms > 0 ? { for_ms: ms } : {});
const times = (n) => (n > 0 ? { times: n } : {});

const choice = (name, label, options) => ({ name, label, options });
const number = (name, label, value, min, max) => ({ name, label, value, min, max, kind: "number" });
const text = (name, label, value) => ({ name, label, value, kind: "text" });

const SIDES = ["both", "to_client", "from_client"];

// Each button's label, its options, and the step it plays. With `each`, a connection can be chosen.
const FAULTS = [
  { name: "Drop", fields: [choice("how", "", ["reset", "fin"])], step: (v) => ({ drop: v.how }), each: true },
  {
    name: "Partition", each: true,
    fields: [choice("side", "", SIDES), number("ms", "for ms (0: until healed)", 0, 0, 86_400_000)],
    step: (v) => ({ partition: v.side, ...lasting(v.ms) }),
  },
  { name: "Heal", fields: [], step: () => ({ partition: "none" }), each: true },
  {
    name: "Latency", each: true,
    fields: [number("delay", "ms", 200, 0, 600_000), choice("side", "", SIDES)],
    step: (v) => ({ latency_ms: v.delay, direction: v.side }),
  },
  {
    name: "Bandwidth", each: true,
    fields: [number("rate", "bytes/s (0: no limit)", 1000, 0, 1_000_000_000)],
    step: (v) => ({ bytes_per_s: v.rate > 0 ? v.rate : null }),
  },
  {
    name: "Refuse", each: false,
    fields: [number("status", "status", 503, 200, 599), number("n", "times", 3, 0, 1_000_000)],
    step: (v) => ({ refuse: { status: v.status }, ...times(v.n) }),
  },
  { name: "Hang", each: false, fields: [number("n", "times", 1, 0, 1_000_000)], step: (v) => ({ hang: true, ...times(v.n) }) },
  { name: "Not HTTP", each: false, fields: [text("said", "text", "SSH-2.0")], step: (v) => ({ garbage: v.said, times: 1 }) },
  { name: "Port down", each: false, fields: [number("ms", "for ms", 5000, 1, 86_400_000)], step: (v) => ({ down: true, for_ms: v.ms }) },
  {
    name: "Close", each: true,
    fields: [number("code", "code", 1012, 0, 65_535), text("reason", "reason", "")],
    step: (v) => ({ close: v.reason ? { code: v.code, reason: v.reason } : { code: v.code } }),
  },
  { name: "Pongs", each: true, fields: [choice("how", "", ["withheld", "auto"])], step: (v) => ({ pongs: v.how }) },
  { name: "Ping", each: true, fields: [text("said", "payload", "hello")], step: (v) => ({ ping: v.said }) },
  { name: "Send", each: true, fields: [text("said", "text", "{\"event\":\"x\"}")], step: (v) => ({ text: v.said }) },
  { name: "Mark", each: false, fields: [text("said", "name", "here")], step: (v) => ({ mark: v.said }) },
];

// Most connections to choose from.
const MAX_CHOICES = 200;

class Faults {
  constructor(element, run, port, say) {
    this.element = element;
    this.run = run;
    this.port = port;
    this.say = say;
    this.posted = [];
    this.rows = FAULTS.map((fault) => this.row(fault));
    this.build();
    for (const row of this.rows) row.show();
  }

  build() {
    this.whose = make("select", { id: "whose" });
    this.whose.append(make("option", { value: "all", textContent: "all connections" }));
    this.whose.addEventListener("change", () => this.rows.forEach((row) => row.show()));
    this.whose.addEventListener("pointerdown", () => this.offer());
    this.whose.addEventListener("focus", () => this.offer());
    this.standing = make("ul", { className: "standing" });
    const clear = make("button", { type: "button", textContent: "Clear what was posted", className: "wide" });
    clear.addEventListener("click", () => this.clear());
    this.log = make("textarea", { id: "posted", readOnly: true, rows: 5, value: "{\"tape\":1}\n" });
    this.element.replaceChildren(
      make("p", {}, make("label", { htmlFor: "whose", textContent: "Whose " }), this.whose),
      make("div", { className: "buttons" }, ...this.rows.map((row) => row.form)),
      this.own(),
      make("h3", { textContent: "Holds now" }), this.standing, clear,
      make("h3", {}, make("label", { htmlFor: "posted", textContent: "Played from here, as an overlay" })), this.log,
    );
  }

  // The connections that are alive now.
  offer() {
    const chosen = this.whose.value;
    const live = [...this.run.live].filter((lane) => lane.upgraded !== null).slice(-MAX_CHOICES);
    const options = live.map((lane) => make("option", { value: String(lane.conn), textContent: `#${lane.conn} ${lane.path}` }));
    this.whose.replaceChildren(make("option", { value: "all", textContent: "all connections" }), ...options);
    if ([...this.whose.options].some((option) => option.value === chosen)) this.whose.value = chosen;
    this.rows.forEach((row) => row.show());
  }

  choose(lane) {
    this.offer();
    const has = lane && [...this.whose.options].some((option) => option.value === String(lane.conn));
    this.whose.value = has ? String(lane.conn) : "all";
    this.rows.forEach((row) => row.show());
  }

  row(fault) {
    const id = `line-${fault.name.toLowerCase().replaceAll(" ", "-")}`;
    const code = make("code", { id });
    const button = make("button", { type: "submit", textContent: fault.name });
    button.setAttribute("aria-describedby", id);
    const inputs = fault.fields.map((field) => input(fault, field));
    const labelled = inputs.map((element, i) => {
      const { label } = fault.fields[i];
      return label ? make("label", { textContent: `${label} ` }, element) : element;
    });
    const form = make("form", { className: "fault", autocomplete: "off" }, button, ...labelled, code);
    const line = () => {
      const values = Object.fromEntries(fault.fields.map((field, i) => [field.name, field.kind === "number" ? Number(inputs[i].value) : inputs[i].value]));
      return JSON.stringify({ at_ms: 0, ...(fault.each ? whose(this.whose.value) : {}), ...fault.step(values) });
    };
    const show = () => (code.textContent = line());
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.post(line(), button);
    });
    return { form, show };
  }

  // Any lines of a tape.
  own() {
    const area = make("textarea", { id: "own", rows: 3, value: "{\"at_ms\":0,\"slice_bytes\":1}\n{\"at_ms\":2000,\"slice_bytes\":null}", spellcheck: false });
    const button = make("button", { type: "submit", textContent: "Play lines" });
    const form = make("form", { className: "own" }, make("h3", {}, make("label", { htmlFor: "own", textContent: "Any lines of a tape" })), area, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.post(area.value, button);
    });
    return form;
  }

  async post(lines, button) {
    button.disabled = true;
    try {
      await this.port.ask("POST", "/v1/steps", lines);
      this.remember(lines);
      this.say(`played ${lines}`, false);
      await this.refresh();
    } catch (error) {
      this.say(`not played: ${error.message}`, true);
    } finally {
      button.disabled = false;
      button.focus();
    }
  }

  // What was played, with its time on the tape, so that it can be played again.
  remember(lines) {
    const now = Math.round(this.run.tapeMs(this.run.end));
    for (const line of lines.split("\n").filter((one) => one.trim())) {
      try {
        const step = JSON.parse(line);
        if (typeof step.at_ms === "number") step.at_ms += now;
        this.log.value += `${JSON.stringify(step)}\n`;
      } catch {
        // The port accepted it; this page does not need to understand it.
        this.log.value += `${line}\n`;
      }
    }
    this.log.scrollTop = this.log.scrollHeight;
  }

  async clear() {
    try {
      await this.port.ask("DELETE", "/v1/faults");
      this.say("cleared what was posted", false);
      await this.refresh();
    } catch (error) {
      this.say(`not cleared: ${error.message}`, true);
    }
  }

  async refresh() {
    const { faults } = await this.port.json("GET", "/v1/faults");
    const said = faults.map((fault) => {
      const left = fault.left === null ? "" : `, ${fault.left} left`;
      const conn = fault.conn === null ? "" : `#${fault.conn} `;
      const path = fault.path === null ? "" : `${fault.path} `;
      return `${path}${conn}${fault.state}${left} (${fault.of})`;
    });
    const now = said.join("\n");
    if (now === this.holding) return;
    this.holding = now;
    const items = said.length > 0 ? said : ["nothing"];
    this.standing.replaceChildren(...items.map((one) => make("li", { textContent: one })));
  }
}

function input(fault, field) {
  let element;
  if (field.options) {
    element = make("select");
    element.append(...field.options.map((option) => make("option", { value: option, textContent: option })));
  } else {
    element = make("input", { type: field.kind, value: String(field.value) });
    if (field.kind === "number") Object.assign(element, { min: String(field.min), max: String(field.max), step: "1" });
  }
  element.setAttribute("aria-label", `${fault.name}: ${field.label || field.name}`);
  return element;
}
