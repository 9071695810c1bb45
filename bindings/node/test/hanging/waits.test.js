import { renameSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';

import { withEngine } from 'wstape';

// Runs under each of the three runners.
const test = globalThis.test ?? (env.VITEST ? await import('vitest') : await import('node:test')).test;

test('it waits', withEngine(async (engine) => {
  writeFileSync(`${env.PID_FILE}.part`, String(engine.pid));
  renameSync(`${env.PID_FILE}.part`, env.PID_FILE);
  await engine.waitFor({ connections: 1, timeoutMs: 500_000 });
}));
