import { execFile } from 'node:child_process';
import { once } from 'node:events';

import { findBinary } from './binary.js';
import { EngineError, EngineGone, WaitTimeout } from './errors.js';
import { expects, text } from './tape.js';

/** The most lines of a timeline; a longer one shows only its beginning and its end. */
const MAX_TOLD_LINES = 200;
const MAX_PAGE_BYTES = 64 << 20;

/** A running engine. Its verbs are documented in index.d.ts. */
export class Engine {
  #process;
  #tapes;

  constructor(process, ca, tapes = []) {
    this.#process = process;
    this.#tapes = tapes;
    this.url = process.url;
    this.ca = ca;
  }

  get page() {
    return this.#process.page;
  }

  get pid() {
    return this.#process.pid;
  }

  get running() {
    return !this.#process.stopped;
  }

  get #control() {
    return this.#process.control;
  }

  /** Whether the tapes expect something of a client, but none has started because no client connected. */
  async awaitsAClient() {
    const { began } = await this.#control.json('GET', '/v1/engine');
    return !began && (await Promise.all(this.#tapes.map(expects))).includes(true);
  }

  async steps(steps) {
    await this.#control.json('POST', '/v1/steps', text(steps));
  }

  /** Plays a step literally: a `${` in it is not a reference. Undefined members are left out. */
  async #now({ conn, forMs, times, direction } = {}, action) {
    const step = { at_ms: 0, conn, for_ms: forMs, times, direction, ...action };
    // A tape reads ${…} in strings as references, except in the name of a mark.
    const literal = (_, value) => (typeof value === 'string' ? value.replaceAll('${', '$$${') : value);
    await this.#control.json('POST', '/v1/steps', JSON.stringify(step, 'mark' in action ? undefined : literal));
  }

  send(json, options) {
    return this.#now(options, { json });
  }

  sendText(text, options) {
    return this.#now(options, { text });
  }

  sendBytes(data, options) {
    return this.#now(options, { binary: Buffer.from(data).toString('base64') });
  }

  async close(code, reason = '', options = {}) {
    if (code === undefined) throw new TypeError('close(code) sends a WebSocket Close to clients; stop() ends the engine');
    await this.#now(options, { close: { code, reason } });
  }

  mark(name) {
    return this.#now({}, { mark: name });
  }

  drop(how = 'reset', options = {}) {
    return this.#now(options, { drop: how });
  }

  partition(direction = 'both', options = {}) {
    return this.#now(options, { partition: direction });
  }

  heal(options) {
    return this.#now(options, { partition: 'none' });
  }

  latency(ms, options) {
    return this.#now(options, { latency_ms: ms });
  }

  bandwidth(bytesPerS, options) {
    return this.#now(options, { bytes_per_s: bytesPerS });
  }

  refuse(status = 503, { headers, body, ...options } = {}) {
    return this.#now(options, { refuse: status === null ? null : { status, headers, body } });
  }

  hang(on = true, options = {}) {
    return this.#now(options, { hang: on });
  }

  down(options) {
    return this.#now(options, { down: true });
  }

  up() {
    return this.#now({}, { down: false });
  }

  pongs(how, options) {
    return this.#now(options, { pongs: how });
  }

  async clear() {
    await this.#control.json('DELETE', '/v1/faults');
  }

  async waitFor({ timeoutMs = 10_000, ...wanted }) {
    const body = JSON.stringify({ ...wanted, timeout_ms: timeoutMs });
    try {
      await this.#control.json('POST', '/v1/wait', body, timeoutMs);
    } catch (error) {
      throw error instanceof WaitTimeout ? await withReport(error, this) : error;
    }
  }

  async connections() {
    const found = [];
    let from = 0;
    while (from !== null) {
      const answer = await this.#control.json('GET', `/v1/connections?from=${from}`);
      for (const { waiting_bytes: waitingBytes, ...each } of answer.connections) found.push({ ...each, waitingBytes });
      from = answer.next;
    }
    return found;
  }

  async journal() {
    const lines = (await this.#control.text('GET', '/v1/journal')).split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line)).filter((entry) => 'kind' in entry);
  }

  async received({ conn } = {}) {
    const entries = await this.journal();
    return entries
      .filter((entry) => entry.kind === 'received' && (conn === undefined || entry.conn === conn))
      .filter(({ frame }) => frame === 'text' || frame === 'binary')
      .map((entry) => (entry.frame === 'text' ? (entry.text ?? '') : Buffer.from(entry.binary ?? '', 'base64')));
  }

  async timeline() {
    return page(await this.#control.text('GET', '/v1/journal'));
  }

  async verdict() {
    const { not_met: notMet, ...counts } = await this.#control.json('GET', '/v1/verdict');
    return { ...counts, notMet: notMet.map(({ text }) => text) };
  }

  async putTape(tape) {
    await this.#control.json('PUT', '/v1/tape', text(tape));
  }

  async report() {
    try {
      const said = this.#process.said;
      // Extends the timeline to now, so that it shows how long no client has come.
      await this.mark('this report');
      return (await this.timeline()) + (said && `\nthe engine said\n${said}\n`);
    } catch (error) {
      if (error instanceof EngineGone) return error.message;
      throw error;
    }
  }

  async stop() {
    await this.#process.stop();
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}

const told = new WeakSet();

/** Adds what the engine saw to the error. */
export async function withReport(error, engine) {
  if (error === null || typeof error !== 'object' || typeof error.message !== 'string' || told.has(error)) return error;
  told.add(error);
  const before = error.message;
  const stack = error.stack;
  error.message = `${before}\n\nengine ${await engine.report()}`;
  // Some runners print the message, others the stack.
  if (typeof stack === 'string') error.stack = stack.replace(before, () => error.message);
  return error;
}

/** A journal as `wstape journal --timeline` prints it. */
async function page(journal) {
  const child = execFile(findBinary(), ['journal', '--timeline', '-'], { maxBuffer: MAX_PAGE_BYTES });
  const [out, err] = [[], []];
  child.stdout.on('data', (part) => out.push(part));
  child.stderr.on('data', (part) => err.push(part));
  child.stdin.on('error', () => {});
  child.stdin.end(journal);
  await once(child, 'close');
  const lines = out.join('').replace(/^-: /, '').split('\n');
  if (lines.length < 2) throw new EngineError(err.join('').trim());
  const leftOut = lines.length - MAX_TOLD_LINES;
  if (leftOut > 0) {
    lines.splice(MAX_TOLD_LINES / 2, leftOut, `… ${leftOut} lines more; engine.journal() has them all …`);
  }
  return lines.join('\n');
}
