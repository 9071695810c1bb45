import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { TapeError } from './errors.js';

/** The header for steps that bring none: it allows everything that an engine can do. */
const HEADER = { tape: 1, needs: ['dialogue'] };

/** The lines of a tape, header first, from its steps or a single step. */
export function text(steps) {
  const lines = Symbol.iterator in Object(steps) ? [...steps] : [steps];
  if (lines.length === 0 || !Object.hasOwn(lines[0], 'tape')) lines.unshift(HEADER);
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** The path of a tape, which is first written into `folder` unless it is a file already. */
export async function file(tape, folder, name) {
  // By its members: in a runner with its own globals, a URL may be of another class.
  const isUrl = tape !== null && typeof tape === 'object' && tape.protocol === 'file:';
  const path = isUrl ? fileURLToPath(tape.href) : tape;
  if (typeof path === 'string' && !path.trimStart().startsWith('{')) return found(path);
  await writeFile(join(folder, name), typeof path === 'string' ? path : text(path ?? []));
  return name;
}

/** Whether a tape has an `expect`; false if it can't be read. */
export async function expects(path) {
  try {
    if (!statSync(path).isFile()) return false;
    const lines = (await readFile(path, 'utf8')).split('\n');
    return lines.some((line) => line.includes('"expect"') && Object.hasOwn(JSON.parse(line), 'expect'));
  } catch {
    return false;
  }
}

function found(name) {
  for (const candidate of [resolve(name), resolve(`${name}.jsonl`)]) {
    if (existsSync(candidate) && !statSync(candidate).isDirectory()) return candidate;
  }
  const names = name.endsWith('.jsonl') ? `"${name}"` : `"${name}" or "${name}.jsonl"`;
  throw new TapeError(`there is no tape ${names}${isAbsolute(name) ? '' : ` in ${resolve('.')}`}`);
}
