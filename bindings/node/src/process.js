import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import process, { env, platform } from 'node:process';
// Taken now: a test may put false timers in their place.
import { clearTimeout, setInterval, setTimeout } from 'node:timers';

import { findBinary } from './binary.js';
import { Control } from './control.js';
import { EngineError, TapeError } from './errors.js';

const START_TIMEOUT_MS = 30_000;
/** How long an engine may take to end before it is killed. */
const END_TIMEOUT_MS = 5_000;
/** Most that is kept of what it says on standard error. */
const MAX_SAID_CHARS = 64 * 1024;

/** How often a worker of `node --test` looks whether that still runs. */
const LOOK_MS = 500;

/** Engines that run. */
const alive = new Set();
process.once('exit', () => {
  for (const engine of alive) engine.removeFiles();
});

/*
 * A runner that is killed may leave its worker behind, which would wait on for the rest of its test, and its engine with
 * it. Vitest's worker sees its channel close; that of `node --test` has none, and sees only that its parent is another.
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
 * `wstape serve` with a port for its clients and one for whoever steers it.
 *
 * Its standard input is a pipe of which this process alone holds the other end: however this process goes, that end is
 * closed with it, and the engine ends. It does not keep the event loop going.
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
      // A session of its own: Ctrl-C is for the test, which may still ask what happened.
      detached: platform !== 'win32',
      windowsHide: true,
    });
    this.#folder = folder;
    alive.add(this);
    this.#child.stderr.on('data', (part) => {
      this.#said = (this.#said + part).slice(-MAX_SAID_CHARS);
    });
    // The other end of a pipe goes with the engine.
    this.#child.stdin.on('error', () => {});
    this.#ended = once(this.#child, 'exit').catch(() => {});
    // Once it has said all that it says.
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

  /** The first lines that it says; fewer where it has ended. */
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

  /** How it has ended. */
  async epitaph() {
    if (this.stopped) return 'it was stopped';
    await this.#within(1_000);
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return 'it still runs';
    const how = signalCode ? `by ${signalCode}` : `with status ${exitCode}`;
    return `it ended ${how}${this.said && ` and said:\n${this.said}`}`;
  }

  /** Ends it, and waits until it has; again and again if need be. */
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

  /** Closes the pipe that keeps it alive: it ends soon. */
  letGo() {
    this.#child.stdin.destroy();
  }

  removeFiles() {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Whether it ends within so many milliseconds. */
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
