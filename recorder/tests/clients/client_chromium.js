// A subscriber: a small page in Chromium. Prints what it got, one JSON list per line.

const { createServer } = require("node:http");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { chromium } = require("playwright-core");

const [url, said] = process.argv.slice(2);

async function main() {
  const page_text = readFileSync(join(__dirname, "page.html"));
  const server = createServer((_, answer) =>
    answer.setHeader("content-type", "text/html; charset=utf-8").end(page_text),
  );
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const got = await page.evaluate(
      ([url, said]) => window.subscribe(url, said),
      [url, JSON.parse(said)],
    );
    for (const what of got) console.log(JSON.stringify(what));
  } finally {
    await browser.close();
    server.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
