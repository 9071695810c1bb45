import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BinaryNotFound, EngineError, EngineGone, TapeError, WaitTimeout, serve, withEngine } from 'wstape';
import { WebSocket } from 'ws';

async function connected(engine, options) {
  const link = new WebSocket(engine.url, options);
  await once(link, 'open');
  return link;
}

test('what is sent arrives as it is', withEngine(async (engine) => {
  const link = await connected(engine);
  const messages = on(link, 'message');
  await engine.send({ seq: 1, note: '${not a reference} $${x} é', '${key}': ['${conn}'] });
  await engine.sendText('{not JSON');
  await engine.sendBytes(new Uint8Array([0, 255]));
  const next = async () => (await messages.next()).value;
  assert.equal(String((await next())[0]), '{"seq":1,"note":"${not a reference} $${x} é","${key}":["${conn}"]}');
  assert.equal(String((await next())[0]), '{not JSON');
  const [data, isBinary] = await next();
  assert.deepEqual([[...data], isBinary], [[0, 255], true]);
  link.terminate();
}));

test('what clients send is told and waited for', withEngine(async (engine) => {
  const [one, two] = [await connected(engine), await connected(engine)];
  one.send('hello');
  await engine.waitFor({ received: { kind: 'text', text: 'hello' } });
  two.send(Buffer.from([1]));
  await engine.waitFor({ messages: 2, open: 2 });
  assert.deepEqual(await engine.received(), ['hello', Buffer.from([1])]);
  assert.deepEqual(await engine.received({ conn: 2 }), [Buffer.from([1])]);
  one.terminate();
  two.terminate();
}));

test('a verb for one connection leaves the others', withEngine(async (engine) => {
  const [one, two] = [await connected(engine), await connected(engine)];
  await Promise.all([once(one, 'close'), engine.close(1012, 'restart', { conn: 1 })]);
  // If the first connection is over already, an error says so; the other is left alone either way.
  await engine.drop('fin', { conn: 1 }).catch(({ message }) => assert.match(message, /connection 1 is over/));
  assert.deepEqual((await engine.connections()).map(({ conn, held }) => [conn, held]), [[2, false]]);
  await engine.partition('both', { conn: 2 });
  assert.equal((await engine.connections())[0].held, true);
  await engine.heal({ conn: 2 });
  two.terminate();
}));

test('handshakes are refused as often as told', withEngine(async (engine) => {
  await engine.refuse(429, { times: 1, headers: { 'retry-after': '2' } });
  const link = new WebSocket(engine.url);
  link.on('error', () => {});
  const [, answer] = await once(link, 'unexpected-response');
  assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [429, '2']);
  answer.destroy();
  await engine.refuse();
  await engine.refuse(null);
  (await connected(engine)).terminate();
}));

test('every other fault is set and cleared', withEngine(async (engine) => {
  await engine.latency(5, { direction: 'to_client' });
  await engine.bandwidth(1_000_000);
  await engine.hang();
  await engine.pongs('withheld');
  const states = (await engine.journal()).filter(({ kind }) => kind === 'state');
  await engine.clear();
  assert.deepEqual(states.map(({ text }) => text.split(' ')[0]), ['latency', 'bandwidth', 'hang', 'pongs']);
  await engine.down();
  await assert.rejects(connected(engine), /ECONNREFUSED/);
  await engine.up();
  (await connected(engine)).terminate();
  await engine.mark('all is well');
  assert.match(await engine.timeline(), /mark "all is well"/);
}));

test('steps answer what a client says, and another tape plays to open connections', withEngine(async (engine) => {
  await engine.steps([{ on_message: { json: { op: 'subscribe' } }, json: { id: '${/id}' } }]);
  const link = await connected(engine);
  link.send('{"op":"subscribe","id":7}');
  assert.equal(String((await once(link, 'message'))[0]), '{"id":7}');
  const [[anew]] = await Promise.all([once(link, 'message'), engine.putTape([{ at_ms: 0, text: 'anew' }])]);
  assert.equal(String(anew), 'anew');
  link.terminate();
}));

test('a step by itself is played too', withEngine(async (engine) => {
  await engine.steps({ on_connect: 'each', after_frames: 0, text: 'hi' });
  const link = new WebSocket(engine.url);
  assert.equal(String((await once(link, 'message'))[0]), 'hi');
  link.terminate();
}));

test('tapes are paths, URLs, texts and steps, and lie over each other', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'tapes-')), 'greet.jsonl');
  await writeFile(path, '{"tape":1}\n{"on_connect":"each","after_frames":0,"text":"hi"}\n');
  const text = readFileSync(path, 'utf8');
  const overlays = [[{ on_connect: 'each', after_frames: 0, text: 'there' }]];
  for (const tape of [path, path.replace('.jsonl', ''), pathToFileURL(path), text]) {
    const engine = await serve(tape, { overlays, token: 't0k', args: ['--path', '/feed'] });
    const link = new WebSocket(engine.url.replace('/ws', '/feed'), { headers: { authorization: 'Bearer t0k' } });
    const got = [];
    for await (const [data] of on(link, 'message')) if (got.push(String(data)) === 2) break;
    assert.deepEqual(got, ['hi', 'there']);
    link.terminate();
    await engine.stop();
  }
});

test('a page shows the run', withEngine(async (engine) => {
  const [page, token] = engine.page.split('#token=');
  const answer = await fetch(page);
  assert.match(answer.headers.get('content-type'), /^text\/html/);
  const asked = await fetch(`${page}v1/engine`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await asked.json()).url, engine.url);
}));

test('TLS is trusted by the certificate of the engine', withEngine(null, { tls: true }, async (engine) => {
  const link = await connected(engine, { ca: readFileSync(engine.ca) });
  link.terminate();
}));

test('a tape that expects something of a client who never came fails the test', async () => {
  const tape = [{ at_ms: 0, expect: { received: { kind: 'text', text: 'hello' } } }];
  await assert.rejects(withEngine(tape, async () => {})(), /never started: the clients it waits for did not connect/);
  // A tape without an `expect` needs no client.
  await withEngine([{ at_ms: 0, text: 'hello' }], async () => {})();
});

test('an option that there is not, and a test without a function, are said', async () => {
  await assert.rejects(serve([], { speeed: 2 }), /no option "speeed"; it has overlays, start, speed/);
  assert.throws(() => withEngine([], { speed: 2 }), /wants a function last/);
});

test('what a tape expects and does not get fails the test', async () => {
  const tape = [{ at_ms: 0, expect: { received: { kind: 'text', text: 'hello' } } }, { at_ms: 1, text: 'over' }];
  const failing = withEngine(tape, { start: 'connections:1' }, async (engine) => {
    const link = new WebSocket(engine.url);
    await once(link, 'message');
    link.terminate();
  });
  await assert.rejects(failing(), /the tape expects what did not happen\n {2}not met: .*"hello"[^]*timeline/);
});

test('errors are the sentences of the engine', async () => {
  const caret = / {2}\|\n2 \| \{"at_ms":1,"dorp":"reset"\}\n {2}\| {12}\^{6}\n/;
  const flawed = [{ at_ms: 1, dorp: 'reset' }];
  await assert.rejects(serve(flawed), (error) => {
    assert(error instanceof TapeError && caret.test(error.message), error);
    return /^tape\.jsonl:2:12: unknown key "dorp" \(did you mean "drop"\?\)/.test(error.message);
  });
  await assert.rejects(serve('nowhere'), { name: 'TapeError', message: /there is no tape "nowhere" or "nowhere\.jsonl"/ });
  await assert.rejects(serve('/none/at/all.jsonl'), { message: 'there is no tape "/none/at/all.jsonl"' });
  await assert.rejects(serve(null, { start: 'later' }), { name: 'EngineError', message: /connections:N/ });
  const engine = await serve();
  await assert.rejects(engine.steps(flawed), (error) => error instanceof TapeError && caret.test(error.message));
  await assert.rejects(engine.waitFor({}), EngineError);
  await assert.rejects(engine.close(), { name: 'TypeError', message: /stop\(\) ends the engine/ });
  await assert.rejects(engine.waitFor({ connections: 1, timeoutMs: 20 }), (error) => {
    assert(error instanceof WaitTimeout);
    assert.match(error.message, /^not reached within 20 ms: 0 connections, 0 open, 0 messages\n\nengine ws:[^]*timeline/);
    assert(!error.stack.includes('control.js'), error.stack);
    return true;
  });
  process.kill(engine.pid, 'SIGKILL');
  await assert.rejects(engine.drop(), { name: 'EngineGone', message: /it ended by SIGKILL/ });
  await engine.stop();
  await engine.stop();
  await assert.rejects(engine.drop(), (error) => error instanceof EngineGone && /it was stopped/.test(error.message));
});

test('a program that is missing is said with how to get it', async () => {
  const { WSTAPE_BIN, PATH } = process.env;
  try {
    process.env.WSTAPE_BIN = '/no/such/program';
    await assert.rejects(serve(), { name: 'BinaryNotFound', message: /^WSTAPE_BIN is "\/no\/such\/program"/ });
    delete process.env.WSTAPE_BIN;
    process.env.PATH = '';
    const missing = /`cargo install --path crates\/wstape`.*WSTAPE_BIN/s;
    await assert.rejects(serve(), (error) => error instanceof BinaryNotFound && missing.test(error.message));
  } finally {
    Object.assign(process.env, { WSTAPE_BIN, PATH });
  }
});
