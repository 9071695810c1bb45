import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of these files, whose frames are left out of stack traces. */
const HERE = dirname(fileURLToPath(import.meta.url));

/** The engine did not start, or refused a request. */
export class EngineError extends Error {
  constructor(message) {
    super(message);
    const lines = this.stack?.split('\n').filter((line) => !line.includes(HERE));
    if (lines) this.stack = lines.join('\n');
  }
}

/** The `wstape` program was not found. */
export class BinaryNotFound extends EngineError {}

/** A tape or a step is invalid; the message shows the line with a caret at the mistake. */
export class TapeError extends EngineError {}

/** The awaited condition did not hold in time. */
export class WaitTimeout extends EngineError {}

/** The engine is no longer running. */
export class EngineGone extends EngineError {}

for (const each of [EngineError, BinaryNotFound, TapeError, WaitTimeout, EngineGone]) {
  Object.defineProperty(each.prototype, 'name', { value: each.name, configurable: true, writable: true });
}
