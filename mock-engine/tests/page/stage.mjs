// Starts engines, clients and a browser, and ends them.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import WebSocket from "ws";

// The longest wait for anything, in milliseconds.
export const PATIENCE_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), "page-"));
const ends = [() => rmSync(folder, { recursive: true, force: true })];

// Ends everything that was started, newest first.
export async function end() {
  while (ends.length > 0) await ends.pop()();
}

export function file(name, text) {
  const path = join(folder, name);
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

// Runs `wstape serve` with these lines and a control port.
export async function serve(lines, { token, more = [] } = {}) {
  const tape = file(`${Math.random()}.jsonl`, `{"tape":1}\n${lines.join("\n")}\n`);
  const args = ["serve", tape, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", ...more];
  if (token) args.push("--control-token-env", "PAGE_TOKEN");
  const child = spawn(process.env.WSTAPE, args, { env: { ...process.env, PAGE_TOKEN: token }, stdio: ["ignore", "pipe", "ignore"] });
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, "exit");
  };
  ends.push(stop);
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const url = (await said.next()).value.replace("listening on ", "");
  const control = (await said.next()).value.replace("control on ", "");
  return { url, control, stop };
}

// Runs `wstape draw` on a file, and returns the URL of the HTML file.
export async function draw(path, ...more) {
  const out = file(`${Math.random()}.html`);
  const child = spawn(process.env.WSTAPE, ["draw", path, "--out", out, ...more], { stdio: "inherit" });
  const [status] = await once(child, "exit");
  if (status !== 0) throw new Error(`draw ended with ${status}`);
  return `file://${out}`;
}

// Connects a client, and records what it sees.
export async function client(url) {
  const socket = new WebSocket(url);
  const seen = { socket, messages: [], closed: null };
  socket.on("message", (data) => seen.messages.push(String(data)));
  socket.on("close", (code) => (seen.closed = code));
  socket.on("error", () => {});
  ends.push(() => socket.terminate());
  await once(socket, "open");
  return seen;
}

let browser = null;

// Opens a page in the browser, and records its errors and requests.
export async function open(url, { colorScheme = "light", init } = {}) {
  if (browser === null) {
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
    ends.push(async () => {
      await browser.close();
      browser = null;
    });
  }
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, colorScheme, deviceScaleFactor: 1 });
  page.setDefaultTimeout(PATIENCE_MS);
  const seen = { errors: [], requests: [] };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("request", (request) => seen.requests.push(request.url()));
  if (init) await page.addInitScript(init);
  await page.goto(url, { waitUntil: "commit" });
  return { page, seen };
}

// Waits until the condition holds; the error says which one did not.
export async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
