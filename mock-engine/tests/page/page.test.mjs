// The page in a browser.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";
import { PNG } from "pngjs";
import WebSocket from "ws";
import { client, draw, end, file, open, serve, until } from "./stage.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Pictures are compared block by block, by their mean colours, because other machines have other fonts. The side of a block
// in pixels, how far a colour may differ (of 255), and which share of the blocks may differ.
const BLOCK = 8;
const MAX_COLOUR_STEP = 20;
const MAX_DIFFERENT_PART = 0.002;

after(end);

const text = (page, selector) => page.textContent(selector);
const tab = (page, name) => page.click(`#tab-${name}`);
const button = (page, name) => page.getByRole("button", { name, exact: true });

// The page of a drawn file, once it has read the file to its end.
async function drawn(path, ...more) {
  const opened = await open(await draw(path, ...more));
  await until("the file was read", async () => /^[\d,]+ (lines|line|step|steps)$/.test(await text(opened.page, "#state")));
  return opened;
}

test("a live run is watched: who connects gets a lane, and what is said a line", async () => {
  const engine = await serve(['{"at_ms":100,"emit":{"event":"greeting"}}', '{"at_ms":101,"mark":"half way"}']);
  const { page, seen } = await open(engine.control);
  await until("it is live", async () => (await text(page, "#state")) === "live");
  const one = await client(engine.url);
  one.socket.send("hello page");
  await page.getByRole("gridcell", { name: "← text hello page" }).waitFor();
  await page.getByRole("gridcell", { name: "→ greeting" }).waitFor();
  await page.getByRole("gridcell", { name: "mark half way" }).waitFor();
  await until("it is counted", async () => /1 dial · 1 upgraded · 1 open/.test(await text(page, "#summary")));
  await tab(page, "connections");
  await page.locator("#connections").getByRole("gridcell", { name: "open" }).first().waitFor();
  await engine.stop();
  await until("the end is said", async () => (await text(page, "#state")) === "not connected");
  assert.match(await text(page, "#say"), /the engine has ended/);
  assert.ok(seen.requests.every((url) => url.startsWith(engine.control)), String(seen.requests));
});

test("a button shows the tape's line that it is, and what it does is seen at a client", async () => {
  const engine = await serve(['{"at_ms":0,"emit":{"event":"greeting"}}']);
  const { page, seen } = await open(engine.control);
  const [one, other] = [await client(engine.url), await client(engine.url)];
  await until("both are open", async () => /2 open/.test(await text(page, "#summary")));
  await tab(page, "connections");
  await page.locator("#connections").getByRole("gridcell", { name: "#2", exact: true }).click();
  await button(page, "Faults for #2").click();
  assert.equal(await page.inputValue("#whose"), "2");
  await tab(page, "lines");
  assert.equal(await text(page, "#line-drop"), '{"at_ms":0,"conn":2,"drop":"reset"}');
  await button(page, "Drop").press("Enter");
  await until("the second was reset", () => other.closed === 1006);
  assert.equal(one.closed, null, "the other connection stays");
  await page.selectOption("#whose", "all");
  await page.getByLabel("Send: text").fill('{"from":"the page"}');
  await button(page, "Send").click();
  await until("the message came", () => one.messages.includes('{"from":"the page"}'));
  await button(page, "Partition").click();
  await page.locator("#faults li", { hasText: "partition both (control)" }).waitFor();
  const before = one.messages.length;
  await button(page, "Send").click();
  await until("it was sent", async () => (await page.getByRole("gridcell", { name: "→ text" }).count()) === 2);
  assert.equal(one.messages.length, before, "a partition holds it");
  await button(page, "Clear what was posted").click();
  await until("it came", () => one.messages.length === before + 1);
  await page.locator("#faults li", { hasText: "nothing" }).waitFor();
  await page.getByLabel("Refuse: status").fill("418");
  await button(page, "Refuse").click();
  await page.locator("#faults li", { hasText: "refuse 418, 3 left (control)" }).waitFor();
  const refused = new WebSocket(engine.url);
  const status = await new Promise((resolve) => {
    refused.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    refused.on("error", () => {});
  });
  assert.equal(status, 418);
  const overlay = (await page.inputValue("#posted")).trim().split("\n").map(JSON.parse);
  assert.deepEqual(overlay[0], { tape: 1 });
  assert.deepEqual(overlay.slice(1).map((step) => Object.keys(step).at(-1)), ["drop", "text", "partition", "text", "times"]);
  assert.deepEqual(seen.errors, []);
});

test("a step that is none is answered with the reader's own sentence, and nothing is played", async () => {
  const engine = await serve(['{"at_ms":0,"mark":"x"}']);
  const { page } = await open(engine.control);
  await until("it is live", async () => (await text(page, "#state")) === "live");
  await page.fill("#own", '{"at_ms":0,"drop":"reset"}\n{"at_ms":0,"dorp":"fin"}');
  await button(page, "Play lines").click();
  await until("it is said", async () => /unknown key "dorp"/.test(await text(page, "#say")));
  assert.match(await text(page, "#say"), /request:2/);
});

test("the token stands behind the # and goes nowhere but into a header", async () => {
  const engine = await serve(['{"at_ms":0,"mark":"x"}'], { token: "t0ken-of-the-test" });
  const { page, seen } = await open(engine.control);
  await page.getByLabel("Token of the control port").waitFor();
  assert.equal(await text(page, "#state"), "wants a token");
  await page.fill("#token", "t0ken-of-the-test");
  await button(page, "Use it").click();
  await until("it is live", async () => (await text(page, "#state")) === "live");
  assert.ok(page.url().endsWith("#token=t0ken-of-the-test"));
  const asked = seen.requests.map((url) => url.split("#")[0]);
  assert.ok(asked.length > 2 && asked.every((url) => !url.includes("t0ken")), String(asked));
});

test("a payload that is markup is text, and none of it runs", async () => {
  const { page, seen } = await drawn("run.jsonl");
  await page.fill("#search", "<img src=x");
  await until("it was found", async () => (await text(page, "#found")) === "1 line");
  await page.click("#found-next");
  await page.locator("#details pre", { hasText: "</script><img src=x onerror=alert(1)>" }).first().waitFor();
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(seen.errors, []);
  assert.equal(seen.requests.length, 1, String(seen.requests));
});

test("what a run came to is said: gaps beside their caps, what partitions held, ends, and what was not met", async () => {
  const { page } = await drawn("run.jsonl", "--backoff", "250ms,4s");
  assert.match(await text(page, "#summary"), /13 dials · 10 upgraded · 2 open · 36 sent · 45 received/);
  assert.equal(await text(page, "#unmet"), "1 not met");
  await page.click("#unmet");
  await page.getByRole("heading", { name: 'not met: a Text "never" from the client within 500 ms' }).waitFor();
  await tab(page, "gaps");
  const gaps = page.locator("#gaps .rows");
  await gaps.getByText("#2 → #5").waitFor();
  assert.match(await gaps.textContent(), /#1 → #3.*25 ms ≤ 250 ms.*#3 → #4.*121 ms ≤ 500 ms/);
  assert.match(await gaps.textContent(), /95 ms after the port came up ≤ 4\.00 s/);
  await page.getByLabel("Backoff, first cap in ms").fill("100");
  await gaps.getByText("over the cap").first().waitFor();
  await tab(page, "connections");
  await page.locator("#connections").getByRole("gridcell", { name: "#5", exact: true }).click();
  await page.locator("#details dd", { hasText: "4.00 s: held 66 B to the client, 24 B from it" }).waitFor();
});

test("all of it is had by the keyboard: lanes, marks, trouble, search, zoom", async () => {
  const { page } = await drawn("run.jsonl");
  await page.focus("#scroller");
  await page.keyboard.press("ArrowDown");
  await page.getByRole("heading", { name: "Connection #1" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("heading", { name: "accepted" }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("heading", { name: "GET /ws" }).waitFor();
  assert.match(await text(page, "#say"), /^GET \/ws/);
  await page.keyboard.press("t");
  await page.getByRole("heading", { name: "dropped: reset" }).waitFor();
  const before = await text(page, "#span");
  await page.keyboard.press("+");
  await until("it zoomed", async () => (await text(page, "#span")) !== before);
  await page.keyboard.press("/");
  await page.keyboard.type("#13 ping");
  await until("it was found", async () => (await text(page, "#found")) === "1 line");
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await page.getByRole("heading", { name: "← ping hb" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#details", { hasText: "Nothing is selected" }).waitFor();
  await page.fill("#search", "");
  await page.focus("#lines");
  await page.keyboard.press("End");
  await page.getByRole("heading", { name: "the tape ends" }).waitFor();
  await page.keyboard.press("Home");
  assert.equal(await page.locator("#lines [aria-selected=true]").count(), 1);
  assert.match(await page.getAttribute("#lines", "aria-activedescendant"), /^lines-/);
});

test("a tape is drawn as its run would be", async () => {
  const tape = file("tape.jsonl", [
    '{"tape":1,"title":"two connections","needs":["connections"]}', '{"on_connect":"each","after_frames":0,"text":"hi"}',
    '{"at_ms":10,"conn":1,"received":{"kind":"open","path":"/a"}}', '{"at_ms":11,"conn":1,"accept":{}}',
    '{"at_ms":500,"partition":"both","for_ms":400}', '{"at_ms":1000,"conn":1,"emit":{"event":"risk","data":[1]}}',
    '{"at_ms":2000,"drop":"reset"}', '{"at_ms":3000,"end":true}',
  ].join("\n") + "\n");
  const { page, seen } = await drawn(tape);
  await tab(page, "connections");
  const row = page.locator("#connections .rows");
  await row.getByText("reset by the engine").waitFor();
  assert.match(await row.textContent(), /#1\/a0\.0101\.99 s101reset by the engine10/);
  await tab(page, "lines");
  await page.getByRole("gridcell", { name: "→ risk" }).click();
  await page.locator("#details pre").first().waitFor();
  assert.match(await text(page, "#details"), /"data": \[/);
  for (const words of ["partition both", "partition none", "all run"]) await page.getByRole("gridcell", { name: words }).first().waitFor();
  assert.deepEqual(seen.errors, []);
});

test("axe-core finds nothing serious, live or of a file, in light and in dark", async () => {
  const engine = await serve(['{"at_ms":0,"mark":"x"}']);
  await client(engine.url);
  const path = await draw("run.jsonl");
  for (const colorScheme of ["light", "dark"]) {
    for (const url of [engine.control, path]) {
      const { page } = await open(url, { colorScheme });
      await until("there are lines", async () => (await page.locator("#lines .rows .row").count()) > 2);
      // The browser's own tools may do what the page's policy forbids to the page.
      const session = await page.context().newCDPSession(page);
      await session.send("Runtime.evaluate", { expression: AXE });
      for (const name of [null, "connections", "gaps", "help"]) {
        if (name) await tab(page, name);
        const { result } = await session.send("Runtime.evaluate", {
          expression: "axe.run().then((r) => JSON.stringify(r.violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html).slice(0, 3)])))",
          awaitPromise: true, returnByValue: true,
        });
        const serious = JSON.parse(result.value).filter(([impact]) => impact === "serious" || impact === "critical");
        assert.deepEqual(serious, [], `${colorScheme} ${url} ${name}`);
      }
    }
  }
});

for (const colorScheme of ["light", "dark", "print"]) {
  test(`the drawing looks as it did: ${colorScheme}`, async () => {
    const { page } = await open(await draw("run.jsonl", "--backoff", "250ms,4s"), { colorScheme: colorScheme === "light" ? "light" : "dark" });
    await until("it was read", async () => (await text(page, "#state")) === "144 lines");
    if (colorScheme === "print") {
      // Paper is light, whatever the screen was.
      await page.emulateMedia({ media: "print" });
      await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    } else {
      await page.click("#trouble-next");
    }
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    compare(`${colorScheme}.png`, await page.screenshot({ fullPage: colorScheme === "print" }));
  });
}

// Compares a picture with the kept one. A picture that differs is written beside it for inspection (git ignores it).
function compare(name, shot) {
  const kept = join(process.env.PICTURES, name);
  if (process.env.ACCEPT) {
    mkdirSync(process.env.PICTURES, { recursive: true });
    writeFileSync(kept, shot);
    return;
  }
  assert.ok(existsSync(kept), `${kept} is missing; --accept makes it`);
  const [is, was] = [PNG.sync.read(shot), PNG.sync.read(readFileSync(kept))];
  assert.deepEqual([is.width, is.height], [was.width, was.height]);
  const [now, before] = [blocks(is), blocks(was)];
  const different = now.filter((colour, at) => colour.some((value, i) => Math.abs(value - before[at][i]) > MAX_COLOUR_STEP)).length / now.length;
  if (different > MAX_DIFFERENT_PART) writeFileSync(join(process.env.PICTURES, `${name}.new.png`), shot);
  assert.ok(different <= MAX_DIFFERENT_PART, `${name}: ${(100 * different).toFixed(2)} % of it differs`);
}

// The mean colour of each block of a picture.
function blocks({ width, height, data }) {
  const found = [];
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      const sum = [0, 0, 0];
      for (let y = top; y < top + BLOCK; y += 1) {
        for (let x = left; x < left + BLOCK; x += 1) {
          for (let i = 0; i < 3; i += 1) sum[i] += data[(y * width + x) * 4 + i];
        }
      }
      found.push(sum.map((value) => value / BLOCK ** 2));
    }
  }
  return found;
}
