import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import process, { env, platform } from 'node:process';
// Imported now, because a test may install fake timers later.
import { clearTimeout, setInterval, setTimeout } from 'node:timers';

import { findBinary } from './binary.js';
import { Control } from './control.js';
import { EngineError, TapeError } from './errors.js';

const START_TIMEOUT_MS = 30_000;
/** How long an engine may take to exit before it is killed. */
const END_TIMEOUT_MS = 5_000;
/** The most characters kept of its standard error; the newest are kept. */
const MAX_SAID_CHARS = 64 * 1024;

/** How often a worker of `node --test` checks that the runner is still alive. */
const LOOK_MS = 500;

/** The running engines. */
const alive = new Set();
process.once('exit', () => {
  for (const engine of alive) engine.removeFiles();
});

/*
 * A killed runner may leave its worker behind, and the worker would wait for the rest of its test and keep its engine
 * running. Vitest's worker sees its channel close; a worker of `node --test` has none, and only sees that its parent
 * changed.
 */
function endAll() {
  for (const engine of alive) engine.letGo();
}
process.once('disconnect', endAll);
if (env.NODE_TEST_CONTEXT?.startsWith('child')) {
  const runner = process.ppid;
  setInterval(() => process.ppid === runner || endAll(), LOOK_MS).unref();
}

/**
 * `wstape serve` with one port for its clients and one for the test.
 *
 * Its standard input is a pipe, and only this process holds the other end. However this process ends, the pipe closes
 * and the engine exits. It does not keep the event loop alive.
 */
export class Process {
  url;
  page;
  control;
  stopped = false;
  #child;
  #folder;
  #controlToken;
  #said = '';
  #ended;
  #silent;

  constructor(folder, args, token) {
    const control = randomBytes(32).toString('hex');
    const client = token === undefined ? [] : ['--token-env', 'WSTAPE_CLIENT_TOKEN'];
    const ports = ['--listen', '127.0.0.1:0', '--control', '127.0.0.1:0', '--control-token-env', 'WSTAPE_CONTROL_TOKEN'];
    this.#child = spawn(findBinary(), ['serve', ...args, ...ports, ...client, '--exit-with-stdin'], {
      cwd: folder,
      env: { ...env, WSTAPE_CONTROL_TOKEN: control, ...(token === undefined ? {} : { WSTAPE_CLIENT_TOKEN: token }) },
      stdio: 'pipe',
      // A session of its own, so that Ctrl-C reaches only the test, which may still ask what happened.
      detached: platform !== 'win32',
      windowsHide: true,
    });
    this.#folder = folder;
    alive.add(this);
    this.#child.stderr.on('data', (part) => {
      this.#said = (this.#said + part).slice(-MAX_SAID_CHARS);
    });
    // The pipe's other end closes when the engine exits.
    this.#child.stdin.on('error', () => {});
    this.#ended = once(this.#child, 'exit').catch(() => {});
    // After its last output.
    this.#silent = once(this.#child, 'close').catch(() => {});
    this.#controlToken = control;
  }

  get pid() {
    return this.#child.pid;
  }

  get said() {
    return this.#said.trim();
  }

  /** Waits until the engine listens. */
  async listening() {
    const [url, address] = await this.#lines(2);
    if (!address) {
      await this.#silent;
      const said = this.said.replace(/^wstape: /, '') || `${this.#child.spawnfile}: ${await this.epitaph()}`;
      throw said.includes('\n  |\n') ? new TapeError(said) : new EngineError(said);
    }
    this.url = url.replace('listening on ', '');
    const control = address.replace('control on ', '');
    this.control = new Control(control, this.#controlToken, () => this.epitaph());
    this.page = `${control}/#token=${this.#controlToken}`;
    for (const each of [this.#child, this.#child.stdin, this.#child.stdout, this.#child.stderr]) each.unref();
    return this;
  }

  /** The first lines of its output; fewer if it has ended. */
  async #lines(count) {
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), START_TIMEOUT_MS);
    let text = '';
    try {
      for await (const part of this.#child.stdout.iterator({ destroyOnReturn: false })) {
        text += part;
        if (text.split('\n').length > count) break;
      }
    } finally {
      clearTimeout(patience);
    }
    return text.split('\n').slice(0, -1);
  }

  /** How it ended. */
  async epitaph() {
    if (this.stopped) return 'it was stopped';
    await this.#within(1_000);
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return 'it still runs';
    const how = signalCode ? `by ${signalCode}` : `with status ${exitCode}`;
    return `it ended ${how}${this.said && ` and said:\n${this.said}`}`;
  }

  /** Ends it and waits for it to exit; may be called repeatedly. */
  async stop() {
    this.stopped = true;
    this.#child.ref();
    this.letGo();
    if (!(await this.#within(END_TIMEOUT_MS))) {
      this.#child.kill('SIGKILL');
      await this.#ended;
    }
    alive.delete(this);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Closes the pipe that keeps it alive: it exits soon after. */
  letGo() {
    this.#child.stdin.destroy();
  }

  removeFiles() {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Whether it exits within this many milliseconds. */
  async #within(ms) {
    let patience;
    const late = new Promise((done) => {
      patience = setTimeout(() => done(false), ms);
    });
    const inTime = await Promise.race([this.#ended.then(() => true), late]);
    clearTimeout(patience);
    return inTime;
  }
}
