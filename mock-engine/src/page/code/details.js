// The selected line in full. Everything is inserted as text, whatever a payload holds.

class Details {
  // `onFaults` is called with the lane whose faults are asked for; null if there are none to offer.
  constructor(element, run, view, onFaults) {
    this.onFaults = onFaults;
    this.element = element;
    this.run = run;
    this.view = view;
    this.shown = "";
  }

  draw() {
    const { line, lane } = this.view;
    const state = `${line} ${lane?.conn} ${line === null ? (lane?.end ? 1 : this.run.length) : ""}`;
    if (state === this.shown) return;
    this.shown = state;
    if (line !== null) this.element.replaceChildren(...this.line(line), ...(lane ? this.lane(lane) : []));
    else if (lane) this.element.replaceChildren(...this.lane(lane));
    else this.element.replaceChildren(...this.nothing());
  }

  nothing() {
    return [make("p", { className: "soft", textContent: "Nothing is selected. Click a mark of the drawing or a line below; the arrow keys go on from there." })];
  }

  line(line) {
    const { run } = this;
    const entry = run.entry(line);
    const at = run.kind.at(line) === KIND.RULE ? "holds all run" : `${(run.tapeMs(run.time.at(line)) / 1000).toFixed(6)} s`;
    const parts = [make("h2", { textContent: words(entry) }), make("p", { className: "soft", textContent: run.tape || document.body.dataset.source === "file" ? `${at} · line ${line + 2}` : at })];
    if (entry.headers) parts.push(facts(Object.entries(entry.headers).map(([name, value]) => [name, String(value)])));
    const payload = payloadOf(entry);
    if (payload !== null) parts.push(make("h3", { textContent: payload.title }), make("pre", { textContent: payload.text, tabIndex: 0 }));
    parts.push(make("h3", { textContent: run.tape ? "The tape's line" : "The journal's line" }));
    parts.push(make("pre", { className: "wrap", textContent: run.text(line).replaceAll("\\u003c", "<"), tabIndex: 0 }));
    return parts;
  }

  lane(lane) {
    const { run } = this;
    const seconds = (at) => `${(run.tapeMs(at) / 1000).toFixed(6)} s`;
    const rows = [
      ["path", lane.path || "none asked for"],
      ["client", lane.request?.headers?.["user-agent"] ?? "not said"],
      ["accepted", seconds(lane.accepted)],
      ["answer", lane.answer || "none yet"],
      ["end", lane.end ? `${lane.end.words} at ${seconds(lane.end.at)}` : "open"],
      ["sent to it alone", lane.sent.toLocaleString("en")],
      ["received", lane.received.toLocaleString("en")],
    ];
    if (lane.gap) rows.push(["gap before", `${lengthText(lane.gap.ms)} after #${lane.after.conn}; ${count(lane.failures, "failure")} in a row before`]);
    for (const held of lane.held) {
      rows.push(["partition", `${lengthText(held.to - held.from)}: held ${bytes(held.toClient)} to the client, ${bytes(held.fromClient)} from it`]);
    }
    const parts = [make("h2", { textContent: `Connection #${lane.conn}` }), facts(rows)];
    if (this.onFaults && !lane.end) {
      const button = make("button", { type: "button", textContent: `Faults for #${lane.conn}` });
      button.addEventListener("click", () => this.onFaults(lane));
      parts.push(button);
    }
    return parts;
  }
}

function facts(rows) {
  const list = make("dl");
  for (const [name, value] of rows) list.append(make("dt", { textContent: name }), make("dd", { textContent: value }));
  return list;
}

// A payload in readable form: JSON indented, binary as hex beside its characters.
function payloadOf(entry) {
  if (entry.payload !== undefined) return { title: "Payload", text: JSON.stringify(entry.payload, null, 2) };
  if (entry.expect !== undefined) return { title: "Expected", text: JSON.stringify(entry.expect, null, 2) };
  if (typeof entry.binary === "string") return { title: "Payload, binary", text: hexDump(entry.binary) };
  if (entry.frame === undefined || !entry.text) return null;
  try {
    return { title: "Payload, JSON", text: JSON.stringify(JSON.parse(entry.text), null, 2) };
  } catch {
    return { title: "Payload, text", text: entry.text };
  }
}

// Most bytes shown of a binary payload.
const MAX_DUMP_BYTES = 4096;

function hexDump(base64) {
  let raw;
  try {
    raw = atob(base64);
  } catch {
    return base64;
  }
  const rows = [];
  for (let at = 0; at < Math.min(raw.length, MAX_DUMP_BYTES); at += 16) {
    const piece = raw.slice(at, at + 16);
    const hex = [...piece].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    rows.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${piece.replace(/[^\x20-\x7e]/g, ".")}`);
  }
  if (raw.length > MAX_DUMP_BYTES) rows.push(`… ${bytes(raw.length - MAX_DUMP_BYTES)} more`);
  return rows.join("\n");
}
