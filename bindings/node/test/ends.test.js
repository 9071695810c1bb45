import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { serve } from 'wstape';

const HERE = dirname(fileURLToPath(import.meta.url));

const BOUND_MS = 20_000;

/** Returns once the process is gone or a zombie. Only Linux shows that. */
async function gone(pid) {
  assert(existsSync('/proc/self/stat'));
  const end = Date.now() + BOUND_MS;
  const runs = () => {
    try {
      return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (runs()) {
    assert(Date.now() < end, `process ${pid} still runs`);
    await sleep(10);
  }
}

/** A Node process that runs an engine, and the engine's process ID. */
async function started(script) {
  const code = `import { serve } from 'wstape'; const engine = await serve(); console.log(engine.pid); ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: HERE,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(child.stdout, 'data');
  return { child, pid: Number(String(line)) };
}

for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGABRT']) {
  test(`a process that is ended by ${signal} leaves no engine`, async () => {
    const { child, pid } = await started('await engine.waitFor({ connections: 1, timeoutMs: 500_000 });');
    child.kill(signal);
    await gone(pid);
  });
}

test('a process that ends by itself leaves no engine, and does not wait for it', async () => {
  for (const script of ['', 'process.exit(3);', 'throw new Error("a crash");']) {
    const { child, pid } = await started(script);
    if (child.exitCode === null) await once(child, 'exit');
    await gone(pid);
  }
});

const RUNNERS = {
  'node --test': ['--test', 'hanging/waits.test.js'],
  vitest: ['node_modules/vitest/vitest.mjs', 'run', '--root', 'hanging', '--testTimeout', '600000'],
  jest: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--rootDir', 'hanging', '--testTimeout', '600000'],
};

for (const [name, args] of Object.entries(RUNNERS)) {
  test(`${name} that is killed leaves no engine, even where its worker goes on`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pid-'));
    const env = { ...process.env, PID_FILE: join(folder, 'pid') };
    delete env.NODE_TEST_CONTEXT;
    const runner = spawn(process.execPath, args, { cwd: HERE, env, stdio: 'ignore' });
    try {
      const end = Date.now() + BOUND_MS;
      while (!existsSync(env.PID_FILE)) {
        assert(Date.now() < end && runner.exitCode === null, 'the engine does not start');
        await sleep(10);
      }
    } finally {
      runner.kill('SIGKILL');
    }
    await gone(Number(readFileSync(env.PID_FILE)));
    await rm(folder, { recursive: true });
  });
}

test('a worker thread that is terminated leaves no engine', async () => {
  const code = `
    const { parentPort } = require('node:worker_threads');
    import('wstape').then(({ serve }) => serve()).then((engine) => parentPort.postMessage(engine.pid));
    setInterval(() => {}, 1000);`;
  const worker = new Worker(code, { eval: true });
  const [pid] = await once(worker, 'message');
  await worker.terminate();
  await gone(pid);
});

test('engines run side by side, and nothing of them stays', async () => {
  const engines = await Promise.all(Array.from({ length: 6 }, () => serve(null, { tls: true })));
  assert.equal(new Set(engines.map(({ url }) => url)).size, 6);
  const certificates = engines.map(({ ca }) => ca);
  assert(certificates.every((path) => existsSync(path)));
  await Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
  await Promise.all(engines.map(({ pid }) => gone(pid)));
  assert(!certificates.some((path) => existsSync(path)));
});
