// node devtools.mjs OUT.har: writes what "Save all as HAR" in Chrome's Network panel writes, with DevTools' own modules.
import { chromium } from "playwright-core";
import http from "node:http";
import fs from "node:fs";
const out = process.argv[2];
const text = fs.readFileSync(new URL("page.html", import.meta.url));
const server = http.createServer((_, res) => res.setHeader("content-type", "text/html").end(text));
await new Promise(ok => server.listen(18767, "127.0.0.1", ok));
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=18770", "--remote-allow-origins=*"] });
const context = await browser.newContext();
const page = await context.newPage();
await page.goto("about:blank");
const list = await (await fetch("http://127.0.0.1:18770/json/list")).json();
const target = list.find(t => t.type === "page" && t.url === "about:blank");
const dt = await context.newPage();
await dt.goto(`devtools://devtools/bundled/devtools_app.html?ws=127.0.0.1:18770/devtools/page/${target.id}`);
await dt.waitForTimeout(4000);
await page.goto("http://127.0.0.1:18767/");
await page.waitForFunction(() => window.finished, null, { timeout: 20000 });
await dt.waitForTimeout(500);
const har = await dt.evaluate(async () => {
  const HAR = await import("devtools://devtools/bundled/models/har/har.js");
  const Logs = await import("devtools://devtools/bundled/models/logs/logs.js");
  const requests = Logs.NetworkLog.NetworkLog.instance().requests();
  const log = await HAR.Log.Log.build(requests, { sanitize: false });
  return JSON.stringify({ log });
});
fs.writeFileSync(out, har);
await browser.close(); server.close();
