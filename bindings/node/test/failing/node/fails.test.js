import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve, withEngine } from 'wstape';
import { WebSocket } from 'ws';

test('an assertion', withEngine([{ on_connect: 'each', after_frames: 0, json: { seq: 1 } }], async (engine) => {
  const link = new WebSocket(engine.url);
  const got = await new Promise((done) => link.once('message', (data) => done(String(data))));
  link.terminate();
  assert.equal(got, '{"seq":2}');
}));

test('a wait', async () => {
  const engine = await serve();
  try {
    const link = new WebSocket(engine.url);
    link.on('error', () => {});
    await engine.waitFor({ open: 1 });
    await engine.drop();
    await engine.waitFor({ connections: 2, timeoutMs: 200 });
  } finally {
    await engine.stop();
  }
});
