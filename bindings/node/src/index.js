/**
 * A mock WebSocket engine, driven from Node: `serve` starts one, `withEngine` makes a test with one. Its verbs are
 * documented in index.d.ts. engine.js sends them through control.js, process.js starts and ends the process, tape.js
 * and binary.js find what to run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Engine, withReport } from './engine.js';
import { EngineError } from './errors.js';
import { Process } from './process.js';
import { file } from './tape.js';

export { Engine };
export * from './errors.js';

const OPTIONS = ['overlays', 'start', 'speed', 'loop', 'shiftTs', 'token', 'tls', 'name', 'args'];

export async function serve(tape, options = {}) {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`serve has no option "${unknown}"; it has ${OPTIONS.join(', ')}`);
  const folder = await mkdtemp(join(tmpdir(), 'wstape-'));
  let process;
  const tapes = [];
  try {
    process = new Process(folder, await commandLine(tape, options, folder, tapes), options.token);
    await process.listening();
  } catch (error) {
    await process?.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return new Engine(process, options.tls ? join(folder, 'ca.pem') : undefined, tapes);
}

/** The arguments of `wstape serve`; adds the paths of its tapes to `tapes`. */
async function commandLine(tape, options, folder, tapes) {
  const args = [await file(tape, folder, 'tape.jsonl')];
  tapes.push(resolve(folder, args[0]));
  for (const [n, overlay] of (options.overlays ?? []).entries()) {
    const path = await file(overlay, folder, `overlay-${n + 1}.jsonl`);
    tapes.push(resolve(folder, path));
    args.push('--overlay', path);
  }
  if (options.start !== undefined) args.push('--start', options.start);
  if (options.speed !== undefined) args.push('--speed', String(options.speed));
  if (options.loop) args.push('--loop');
  if (options.shiftTs) args.push('--ts', 'shift');
  if (options.name !== undefined) args.push('--engine', options.name);
  if (options.tls) args.push('--tls', '--tls-ca', 'ca.pem');
  return [...args, ...(options.args ?? [])];
}

export function withEngine(...parts) {
  const body = parts.pop();
  if (typeof body !== 'function') throw new TypeError('withEngine wants a function last: async (engine) => { … }');
  const [tape, options] = parts;
  // It declares no parameters: runners count them, and would take one for a callback.
  return async (...context) => {
    const engine = await serve(tape, options);
    try {
      await body(engine, ...context);
      await demandMet(engine);
    } catch (error) {
      throw await withReport(error, engine);
    } finally {
      await engine.stop();
    }
  };
}

/** Throws if something that a tape expects did not happen. */
async function demandMet(engine) {
  if (!engine.running) return;
  if (await engine.awaitsAClient()) {
    throw new EngineError('the tape expects something of a client, but never started: the clients it waits for did not connect');
  }
  const { unmet, open, notMet } = await engine.verdict();
  if (unmet === 0 && open === 0) return;
  const sentences = notMet.map((each) => `\n  not met: ${each}`);
  if (open > 0) sentences.push(`\n  not met when the test ended, with time left: ${open}`);
  throw new EngineError(`the tape expects what did not happen${sentences.join('')}`);
}
