import { request } from 'node:http';

import { EngineError, EngineGone, TapeError, WaitTimeout } from './errors.js';

/** How long to wait for an answer, except for requests that wait themselves. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Requests to a running engine. */
export class Control {
  #url;
  #token;
  #epitaph;

  constructor(url, token, epitaph) {
    this.#url = url;
    this.#token = token;
    this.#epitaph = epitaph;
  }

  /** The answer's JSON value; `undefined` if it is empty. */
  async json(method, path, body, waitMs = 0) {
    const said = await this.text(method, path, body, waitMs);
    return said ? JSON.parse(said) : undefined;
  }

  /** The answer, which may take `waitMs` longer than usual. */
  async text(method, path, body, waitMs = 0) {
    const { status, said } = await this.#ask(method, path, body, waitMs);
    if (status < 300) return said;
    throw refusal(status, path, said);
  }

  async #ask(method, path, body, waitMs) {
    try {
      return await ask(this.#url + path, body, {
        method,
        agent: false,
        headers: { authorization: `Bearer ${this.#token}` },
        timeout: REQUEST_TIMEOUT_MS + waitMs,
      });
    } catch (error) {
      throw new EngineGone(`the engine does not answer (${error.message}); ${await this.#epitaph()}`);
    }
  }
}

function ask(url, body, options) {
  return new Promise((done, failed) => {
    const asked = request(url, options, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', failed);
      answer.on('end', () => done({ status: answer.statusCode, said: Buffer.concat(parts).toString() }));
    });
    asked.on('error', failed);
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.end(body);
  });
}

/** The engine's error message as an exception. */
function refusal(status, path, said) {
  let problem;
  try {
    problem = JSON.parse(said);
  } catch {
    return new EngineError(`${path} was answered with ${status}: ${said.slice(0, 200)}`);
  }
  const sentence = problem.report ?? problem.error;
  if (status === 408 && path === '/v1/wait') return new WaitTimeout(sentence);
  return problem.report ? new TapeError(sentence) : new EngineError(sentence);
}
