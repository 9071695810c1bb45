import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** The output of a Node program, and its status. */
function run(args, env = {}) {
  const options = { cwd: HERE, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...env } };
  // With this variable, a nested runner would report to the outer one instead of printing.
  delete options.env.NODE_TEST_CONTEXT;
  return new Promise((done) => {
    execFile(process.execPath, args, options, (error, out, err) => done({ status: error?.code ?? 0, said: out + err }));
  });
}

const RUNNERS = {
  'node:test': ['--test', '--test-reporter=spec', 'failing/node/fails.test.js'],
  vitest: ['node_modules/vitest/vitest.mjs', 'run', '--root', 'failing/vitest'],
  jest: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--rootDir', 'failing/jest'],
};

for (const [name, args] of Object.entries(RUNNERS)) {
  test(`a failing test under ${name} prints the timeline`, async () => {
    const { status, said } = await run(args);
    assert.equal(status, 1, said);
    // A failed assertion, with both of its values, and a failed wait.
    assert.match(said, /"seq\\?":2[^]*engine ws:\/\/127\.0\.0\.1:\d+\/ws[^]*timeline\n.*accepted\n.*upgraded\n.*→ json\n/);
    assert.match(said, /WaitTimeout: not reached within 200 ms: 1 connections, 0 open[^]*timeline\n.*accepted\n.*upgraded\n.*reset\n/);
    assert.match(said, /never came back: #1 ended at \d/);
    assert.match(said, /fails\.test\.js:\d+/);
  });
}

test('every test of the README passes as it stands', async () => {
  const readme = readFileSync(join(HERE, '..', 'README.md'), 'utf8');
  const files = [...readme.matchAll(/<!-- file: (\S+) -->\n```\w+\n([^]*?)```\n/g)];
  const folder = await mkdtemp(join(HERE, 'readme-'));
  try {
    for (const [, name, text] of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const tests = files.map(([, name]) => name).filter((name) => name.endsWith('.test.js'));
    const { status, said } = await run(['--test', '--test-reporter=spec', ...tests.map((name) => join(folder, name))]);
    assert.equal(status, 0, said);
    assert.match(said, new RegExp(`pass ${tests.length}\n`), said);
  } finally {
    await rm(folder, { recursive: true });
  }
});
