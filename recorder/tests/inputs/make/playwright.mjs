// node playwright.mjs OUT.har embed|attach
import { chromium } from "playwright-core";
import http from "node:http";
import fs from "node:fs";
const [out, content] = process.argv.slice(2);
const page_text = fs.readFileSync(new URL("page.html", import.meta.url));
const server = http.createServer((_, res) => res.setHeader("content-type", "text/html").end(page_text));
await new Promise(ok => server.listen(18767, "127.0.0.1", ok));
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const context = await browser.newContext({ recordHar: { path: out, content, urlFilter: /ws/ } });
const page = await context.newPage();
await page.goto("http://127.0.0.1:18767/");
await page.waitForFunction(() => window.finished, null, { timeout: 20000 });
console.log(await page.evaluate(() => window.finished));
await context.close(); await browser.close(); server.close();
