/** A line of a tape, such as `{ at_ms: 1000, drop: 'reset' }`. */
export type Step = Readonly<Record<string, unknown>>;

/** A path, a `file:` URL, the text of a tape (starting with `{`), its steps, a single step, or nothing. */
export type TapeLike = string | URL | Iterable<Step> | Step | null | undefined;

export type Direction = 'both' | 'to_client' | 'from_client';

export interface ServeOptions {
  /** Tapes to lay over it. */
  overlays?: readonly TapeLike[];
  /** When the tape starts; `connections:2` once two clients are connected. Default: at the first connection. */
  start?: 'first-connection' | 'now' | `connections:${number}`;
  /** A factor, or `max`. */
  speed?: number | 'max';
  /** Start over at the tape's end. */
  loop?: boolean;
  /** Set each event's `ts` to the time at which it is played. */
  shiftTs?: boolean;
  /** Bearer token that clients must present. */
  token?: string;
  /** Speak `wss`; `engine.ca` is the file of the CA certificate to trust. */
  tls?: boolean;
  /** Which engine's steps to play, if the tape is for several. */
  name?: string;
  /** Further arguments of `wstape serve`. */
  args?: readonly string[];
}

/** Which connection, by its number in the timeline. Without it: all. */
export interface On {
  conn?: number;
}

export interface For {
  /** The engine undoes it after this many milliseconds. */
  forMs?: number;
}

export interface Times {
  /** The engine undoes it after this many connections. */
  times?: number;
}

export interface Way {
  /** The direction it affects. Without it: both. */
  direction?: 'to_client' | 'from_client';
}

/** All of these conditions must hold. */
export interface Wanted {
  /** At least this many have been upgraded in total, including those that have ended. */
  connections?: number;
  /** At least this many are open. */
  open?: number;
  /** Clients have sent at least this many in total. */
  messages?: number;
  /** A client has sent this, such as `{ kind: 'text', text: 'hello' }`; as in an `expect` of a tape. */
  received?: Readonly<Record<string, unknown>>;
  /** Default 10,000, at most 600,000. */
  timeoutMs?: number;
}

export interface Connection {
  /** Its number, from 1, in the order in which connections were accepted. */
  conn: number;
  phase: 'handshake' | 'hung' | 'answered' | 'not_http' | 'open' | 'closing';
  /** The requested path, with its query. */
  path: string | null;
  /** Bytes waiting to be sent to it. */
  waitingBytes: number;
  /** Whether a partition holds its bytes back. */
  held: boolean;
}

/** A journal entry; docs/journal.md lists the kinds and their members. */
export interface Entry {
  at_ms: number;
  kind: string;
  conn?: number;
  [member: string]: unknown;
}

export interface Verdict {
  met: number;
  unmet: number;
  /** Not met yet, with time left. */
  open: number;
  /** Those that only `wstape replay` can check. */
  unseen: number;
  /** One sentence each for the first unmet ones. */
  notMet: string[];
}

/** A running engine. Each verb is a step of a tape, played now. */
export class Engine implements AsyncDisposable {
  private constructor();
  /** Where clients connect: `ws://127.0.0.1:PORT/ws`, and any other path as well. */
  readonly url: string;
  /** The file of its CA certificate, in PEM, if it speaks TLS. */
  readonly ca: string | undefined;
  /** URL of a page that shows the run live and can steer it, for example while a debugger has stopped the test. */
  readonly page: string;
  /** The engine's process ID. */
  readonly pid: number;
  /** Whether it has not been stopped. */
  readonly running: boolean;

  /** Plays one step or several; if one is invalid, none is played. `at_ms` counts from now. */
  steps(steps: Iterable<Step> | Step): Promise<void>;
  /** Plays another tape from its start, now; connections stay open. */
  putTape(tape: Iterable<Step>): Promise<void>;

  /** Sends a value as JSON, in a text message. */
  send(json: unknown, options?: On): Promise<void>;
  /** Sends a text message, JSON or not. */
  sendText(text: string, options?: On): Promise<void>;
  /** Sends a binary message. */
  sendBytes(data: Uint8Array, options?: On): Promise<void>;
  /** Sends a WebSocket Close. (`stop` ends the engine.) */
  close(code: number, reason?: string, options?: On): Promise<void>;
  /** Adds a named mark to the timeline. */
  mark(name: string): Promise<void>;

  /** Drops connections without a closing handshake. */
  drop(how?: 'reset' | 'fin', options?: On): Promise<void>;
  /** Holds all bytes back without a FIN or a reset: a half-open link. */
  partition(direction?: Direction, options?: On & For): Promise<void>;
  /** Ends a partition; what was held back is delivered. */
  heal(options?: On): Promise<void>;
  /** Delays all bytes by this many milliseconds in each affected direction; 0 undoes it. */
  latency(ms: number, options?: On & For & Way): Promise<void>;
  /** Limits the link to this many bytes a second; null undoes it. */
  bandwidth(bytesPerS: number | null, options?: On & For & Way): Promise<void>;
  /** Answers the next handshakes with this status (503 by default) instead of 101; null undoes it. */
  refuse(
    status?: number | null,
    options?: For & Times & { headers?: Readonly<Record<string, string>>; body?: unknown },
  ): Promise<void>;
  /** Accepts connections and never answers them. */
  hang(on?: boolean, options?: For & Times): Promise<void>;
  /** Resets open connections, and refuses every dial until `up`. */
  down(options?: For): Promise<void>;
  /** Accepts dials again. */
  up(): Promise<void>;
  /** Whether the engine answers Pings. */
  pongs(how: 'auto' | 'withheld', options?: For): Promise<void>;
  /** Undoes every fault set by a verb; the tape's own stay. */
  clear(): Promise<void>;

  /** Waits until the conditions hold. A WaitTimeout has the timeline in its message. */
  waitFor(wanted: Wanted): Promise<void>;
  /** The live connections. */
  connections(): Promise<Connection[]>;
  /** What happened, in order: the entries of the newest 16 MiB. */
  journal(): Promise<Entry[]>;
  /** What clients have sent, in order: text and binary frames, up to 16 KiB of each. */
  received(options?: On): Promise<(string | Buffer)[]>;
  /** What happened, in readable form: connections, the gaps between them, and a line for each event. */
  timeline(): Promise<string>;
  /** The timeline and what the engine wrote to stderr; if the engine is gone, why. */
  report(): Promise<string>;
  /** The results so far of the tape's `expect` steps. */
  verdict(): Promise<Verdict>;

  /** Stops the engine and waits for its process to exit. */
  stop(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an engine on a free local port. */
export function serve(tape?: TapeLike, options?: ServeOptions): Promise<Engine>;

/** Makes a test, for any runner, with an engine of its own. If it throws, the timeline is added to the message. */
export function withEngine<Context extends unknown[]>(
  body: (engine: Engine, ...context: Context) => unknown,
): (...context: Context) => Promise<void>;
export function withEngine<Context extends unknown[]>(
  tape: TapeLike,
  body: (engine: Engine, ...context: Context) => unknown,
): (...context: Context) => Promise<void>;
export function withEngine<Context extends unknown[]>(
  tape: TapeLike,
  options: ServeOptions,
  body: (engine: Engine, ...context: Context) => unknown,
): (...context: Context) => Promise<void>;

/** The engine did not start, or refused a request. */
export class EngineError extends Error {}
/** The `wstape` program was not found. */
export class BinaryNotFound extends EngineError {}
/** A tape or a step is invalid; the message shows the line with a caret at the mistake. */
export class TapeError extends EngineError {}
/** The awaited condition did not hold in time. */
export class WaitTimeout extends EngineError {}
/** The engine is no longer running. */
export class EngineGone extends EngineError {}
