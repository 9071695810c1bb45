import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where these files are: what stands there is of no interest in a stack. */
const HERE = dirname(fileURLToPath(import.meta.url));

/** The engine did not start, or would not do what it was told. */
export class EngineError extends Error {
  constructor(message) {
    super(message);
    const lines = this.stack?.split('\n').filter((line) => !line.includes(HERE));
    if (lines) this.stack = lines.join('\n');
  }
}

/** There is no `wstape` program. */
export class BinaryNotFound extends EngineError {}

/** A tape or a step is none; the message shows its line, and a caret at the flaw. */
export class TapeError extends EngineError {}

/** What was waited for did not come to pass in time. */
export class WaitTimeout extends EngineError {}

/** The engine runs no more. */
export class EngineGone extends EngineError {}

for (const each of [EngineError, BinaryNotFound, TapeError, WaitTimeout, EngineGone]) {
  Object.defineProperty(each.prototype, 'name', { value: each.name, configurable: true, writable: true });
}
