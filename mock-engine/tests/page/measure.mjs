// How fast the page is: 1,000 messages a second live, and a journal of a million lines. Exits with 1 if a bound is exceeded.

import { createWriteStream, statSync } from "node:fs";
import { once } from "node:events";
import { client, draw, end, file, open, serve, until } from "./stage.mjs";

// The bounds, in milliseconds.
const MAX_FIRST_DRAWING_MS = 2_000;
const MAX_FRAME_MS = 100;

const LIVE_SECONDS = Number(process.env.LIVE_SECONDS ?? 30);
const LINES = Number(process.env.LINES ?? 1_000_000);
const CLIENTS = 20;

// Records the time between frames, and the page's own long tasks: on a busy machine a frame may be late without any.
function noteFrames() {
  window.frameTimes = [];
  window.ownWork = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.ownWork.push(task.duration);
  }).observe({ type: "longtask" });
  let last = 0;
  const frame = (now) => {
    if (last > 0) window.frameTimes.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const firstDrawing = (page) => page.waitForFunction(() => performance.getEntriesByName("first-drawing")[0]?.startTime);

async function frames(page) {
  const times = (await page.evaluate(() => window.frameTimes.splice(0))).sort((a, b) => a - b);
  const at = (part) => times[Math.floor((times.length - 1) * part)].toFixed(1);
  const own = await page.evaluate(() => Math.max(0, ...window.ownWork.splice(0)));
  const work = own > 0 ? `${own.toFixed(0)} ms` : "under 50 ms";
  return { longest: times.at(-1), said: `${times.length} frames, median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms, longest task of the page ${work}` };
}

let failed = false;
function bound(what, is, most) {
  const kept = is <= most;
  failed ||= !kept;
  console.log(`${kept ? "ok    " : "FAILED"} ${what}: ${is.toFixed(1)} ms, at most ${most} ms`);
}

async function live() {
  const lines = Array.from({ length: 1000 }, (_, n) => `{"at_ms":${n},"emit":{"event":"tick","n":${n}}}`);
  const engine = await serve([...lines, '{"at_ms":1000,"end":true}'], { more: ["--loop"] });
  for (let n = 0; n < CLIENTS; n += 1) await client(engine.url);
  const { page } = await open(engine.control, { init: noteFrames });
  bound("live: first drawing", await (await firstDrawing(page)).jsonValue(), MAX_FIRST_DRAWING_MS);
  await until("it is live", async () => (await page.textContent("#state")) === "live");
  await page.waitForTimeout(2000);
  await frames(page);
  const sent = async () => Number(/([\d,]+) sent/.exec(await page.textContent("#summary"))[1].replaceAll(",", ""));
  const [before, since] = [await sent(), performance.now()];
  await page.waitForTimeout(LIVE_SECONDS * 1000);
  const rate = ((await sent()) - before) / ((performance.now() - since) / 1000);
  const { longest, said } = await frames(page);
  console.log(`live: ${rate.toFixed(0)} messages a second to ${CLIENTS} clients for ${LIVE_SECONDS} s, followed; ${said}`);
  bound("live: longest frame", longest, MAX_FRAME_MS);
  const jumps = await page.evaluate(async () => {
    const { view } = window.wstape;
    view.setFollowing(false);
    const [from, to] = [view.from, view.to];
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return from !== view.from || to !== view.to;
  });
  if (jumps) failed = true;
  console.log(`${jumps ? "FAILED" : "ok    "} live: what is looked at stays where it is while lines come`);
  await page.close();
}

// A journal of LINES lines: fifty clients, which lose their connections now and then.
async function journal() {
  const path = file("million.jsonl");
  const out = createWriteStream(path);
  const write = async (entry) => {
    if (!out.write(`${JSON.stringify(entry)}\n`)) await once(out, "drain");
  };
  await write({ journal: 1, by: "measure", url: "ws://127.0.0.1:8765/ws", up: "2026-11-27T09:30:00Z" });
  await write({ at_ms: 0, waited_ms: 500, kind: "began" });
  let conn = 0;
  const live = Array(50).fill(0);
  for (let n = 2; n < LINES; n += 1) {
    const at_ms = n;
    const place = n % 50;
    if (live[place] === 0) {
      live[place] = conn += 1;
      await write({ at_ms, conn, kind: "accepted" });
      await write({ at_ms, conn, kind: "request", method: "GET", path: "/ws", headers: { "user-agent": `client/${place}` } });
      await write({ at_ms, conn, kind: "upgraded" });
      n += 2;
    } else if (n % 1009 === 0) {
      await write({ at_ms, conn: live[place], kind: "dropped", end: "reset" });
      live[place] = 0;
    } else if (n % 3 === 0) await write({ at_ms, kind: "sent", what: "tick", to: 50 });
    else if (n % 3 === 1) await write({ at_ms, conn: live[place], kind: "sent", what: "trade", to: 1 });
    else await write({ at_ms, conn: live[place], kind: "received", frame: "text", text: `{"op":"ack","id":${n}}` });
  }
  out.end();
  await once(out, "finish");
  return path;
}

async function past() {
  const path = await journal();
  const started = performance.now();
  const url = await draw(path);
  const size = (name) => `${(statSync(name).size / 1e6).toFixed(0)} MB`;
  console.log(`a journal of ${LINES.toLocaleString("en")} lines, ${size(path)}: drawn in ${((performance.now() - started) / 1000).toFixed(1)} s, ${size(url.slice(7))}`);
  const { page } = await open(url, { init: noteFrames });
  bound("a million lines: first drawing", await (await firstDrawing(page)).jsonValue(), MAX_FIRST_DRAWING_MS);
  await page.waitForFunction(() => !/^(starting|reading)/.test(document.getElementById("state").textContent), null, { timeout: 120_000 });
  const read = await page.evaluate(() => performance.now());
  const reading = await frames(page);
  console.log(`a million lines: all read after ${(read / 1000).toFixed(1)} s (${await page.textContent("#state")}); ${reading.said}`);
  for (const key of ["+", "+", "+", "Shift+ArrowRight", "Shift+ArrowLeft", "+", "+", "+", "-", "-", "-", "0", "t", "t", "t"]) {
    await page.focus("#scroller");
    await page.keyboard.press(key);
    await page.waitForTimeout(100);
  }
  const moving = await frames(page);
  console.log(`a million lines: zoomed and moved; ${moving.said}`);
  bound("a million lines: longest frame", moving.longest, MAX_FRAME_MS);
  for (const text of ["trade", `"id":${LINES - 1}`]) {
    const asked = performance.now();
    await page.fill("#search", text);
    await until("it was found", async () => /^[\d,]+ lines?$/.test(await page.textContent("#found")));
    console.log(`a million lines: searched for ${text} in ${(performance.now() - asked).toFixed(0)} ms, ${await page.textContent("#found")}`);
    await page.focus("#scroller");
    await page.keyboard.press("0");
    await page.waitForTimeout(300);
  }
  bound("a million lines: longest frame of a search", (await frames(page)).longest, MAX_FRAME_MS);
}

try {
  await live();
  await past();
} finally {
  await end();
}
process.exitCode = failed ? 1 : 0;
