// Clicks the page's buttons while a field overlay is laid over a real engine's traffic. Prints what a real client sees of
// both.
'use strict';
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const { chromium } = require('playwright-core');

// The longest wait for anything, in milliseconds: the overlay's Close comes after 20 s.
const PATIENCE_MS = 40_000;

const [control, python, script, url] = process.argv.slice(2);
const client = spawn(python, [script, url], { stdio: ['ignore', 'pipe', 'inherit'] });
const seen = [];
createInterface({ input: client.stdout }).on('line', (line) => seen.push(line));

async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}; the client saw ${seen.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Starts now; the function it returns waits until the client has seen these lines in this order since then.
async function sees(...lines) {
  const from = seen.length;
  return async () => {
    await until(lines.join(', '), () => {
      let at = from;
      for (const line of lines) {
        at = seen.indexOf(line, at) + 1;
        if (at === 0) return false;
      }
      return true;
    });
    console.log(lines.join(', '));
  };
}

async function main() {
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(control);
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  const fault = (text) => page.locator('#faults li', { hasText: text }).waitFor();
  await until('the client is in', () => seen.includes('open'));
  await until('the page shows it', async () => /1 open/.test(await page.textContent('#summary')));
  await page.click('#tab-lines');

  let then = await sees('closed without a Close', 'open');
  await press('Drop');
  await then();

  then = await sees('late');
  await press('Partition');
  await fault('partition both (control)');
  await page.waitForTimeout(400);
  await press('Clear what was posted');
  await fault('nothing');
  await then();

  then = await sees('closed without a Close', 'refused 503', 'refused 503', 'refused 503', 'open');
  await page.getByLabel('Refuse: status').fill('503');
  await press('Refuse');
  await fault('refuse 503, 3 left (control)');
  await press('Drop');
  await then();
  await fault('nothing');

  then = await sees('closed 1001', 'open');
  await then();
  await browser.close();
}

main()
  .catch((error) => console.log(String(error)))
  .finally(() => client.kill());
