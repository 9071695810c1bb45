import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { env, platform } from 'node:process';

import { BinaryNotFound } from './errors.js';

const NAME = platform === 'win32' ? 'wstape.exe' : 'wstape';

/** The path of the `wstape` program: `WSTAPE_BIN`, else the first in `PATH`. */
export function findBinary() {
  const named = env.WSTAPE_BIN;
  if (named) {
    if (isProgram(named)) return resolve(named);
    throw new BinaryNotFound(`WSTAPE_BIN is "${named}", which is no program that can be run`);
  }
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, NAME);
    if (folder && isProgram(path)) return path;
  }
  throw new BinaryNotFound(
    'there is no `wstape` program in PATH: `cargo install --path crates/wstape` in a checkout, or `cargo install --git ' +
      'URL wstape` with the URL of its repository, installs one; the environment variable WSTAPE_BIN can name one that ' +
      'is elsewhere',
  );
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
