import { test, expect } from 'vitest';
import { withEngine } from 'wstape';

import { listen } from '../client.js';

test('a client comes back after a lost link and a partition', withEngine(async (engine) => {
  let got;
  const message = new Promise((done) => (got = done));
  const leave = listen(engine.url, got);
  await engine.waitFor({ connections: 1 });
  await engine.drop();
  await engine.waitFor({ connections: 2 });
  await engine.partition('both', { forMs: 500 });
  await engine.waitFor({ connections: 3 });
  await engine.send({ seq: 1 });
  expect(await message).toBe('{"seq":1}');
  leave();
}));
