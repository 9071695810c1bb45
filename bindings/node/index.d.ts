/** A line of a tape, such as `{ at_ms: 1000, drop: 'reset' }`. */
export type Step = Readonly<Record<string, unknown>>;

/** A path, a `file:` URL, the text of a tape (it starts with `{`), its steps or its only one, or nothing. */
export type TapeLike = string | URL | Iterable<Step> | Step | null | undefined;

export type Direction = 'both' | 'to_client' | 'from_client';

export interface ServeOptions {
  /** Tapes laid over it. */
  overlays?: readonly TapeLike[];
  /** When the tape begins; `connections:2` once so many clients are connected. By default at the first connection. */
  start?: 'first-connection' | 'now' | `connections:${number}`;
  /** A factor, or `max`. */
  speed?: number | 'max';
  /** Begin the tape anew at its end. */
  loop?: boolean;
  /** Move each event's `ts` to when it is played. */
  shiftTs?: boolean;
  /** Bearer token that clients must bring. */
  token?: string;
  /** Speak `wss`; `engine.ca` is the file of the certificate to trust. */
  tls?: boolean;
  /** Play the steps of this engine, of a tape for several. */
  name?: string;
  /** Further arguments of `wstape serve`. */
  args?: readonly string[];
}

/** Whose connection: the number that it has in the timeline. All, where there is none. */
export interface On {
  conn?: number;
}

export interface For {
  /** The engine undoes it by itself after so many milliseconds. */
  forMs?: number;
}

export interface Times {
  /** The engine undoes it by itself after so many connections. */
  times?: number;
}

export interface Way {
  /** Which way it lies. */
  direction?: 'to_client' | 'from_client';
}

/** All of it must be so. */
export interface Wanted {
  /** So many were upgraded in all, those that ended since included. */
  connections?: number;
  /** So many are open at least. */
  open?: number;
  /** Clients have sent so many in all. */
  messages?: number;
  /** A client has sent this, such as `{ kind: 'text', text: 'hello' }`; as in an `expect` of a tape. */
  received?: Readonly<Record<string, unknown>>;
  /** 10,000 by default, 600,000 at most. */
  timeoutMs?: number;
}

export interface Connection {
  /** Its number, from 1, in the order in which connections were accepted. */
  conn: number;
  phase: 'handshake' | 'hung' | 'answered' | 'not_http' | 'open' | 'closing';
  /** What it asked for, with its query. */
  path: string | null;
  /** What waits to be sent to it. */
  waitingBytes: number;
  /** Whether a partition holds it. */
  held: boolean;
}

/** An entry of the journal; docs/journal.md says which kinds there are, and their members. */
export interface Entry {
  at_ms: number;
  kind: string;
  conn?: number;
  [member: string]: unknown;
}

export interface Verdict {
  met: number;
  unmet: number;
  /** Those that are not met yet, and whose time is not over. */
  open: number;
  /** Those that only `wstape replay` can judge. */
  unseen: number;
  /** A sentence for each of the first that were not met. */
  notMet: string[];
}

/** An engine that runs. Each verb is a step of a tape, played now. */
export class Engine implements AsyncDisposable {
  private constructor();
  /** Where clients connect: `ws://127.0.0.1:PORT/ws`, and any other path as well. */
  readonly url: string;
  /** File of the certificate of the authority behind its own, in PEM, where it speaks TLS. */
  readonly ca: string | undefined;
  /** URL of a page that shows the run live, and steers it: for whoever stands still in a debugger. */
  readonly page: string;
  /** Number of the engine's process. */
  readonly pid: number;
  /** Whether nobody has stopped it. */
  readonly running: boolean;

  /** Plays steps, or one: all of them, or none. `at_ms` counts from now. */
  steps(steps: Iterable<Step> | Step): Promise<void>;
  /** Plays another tape from its beginning, now; connections stay open. */
  putTape(tape: Iterable<Step>): Promise<void>;

  /** Sends a value as JSON, in a text message. */
  send(json: unknown, options?: On): Promise<void>;
  /** Sends a text message, JSON or not. */
  sendText(text: string, options?: On): Promise<void>;
  /** Sends a binary message. */
  sendBytes(data: Uint8Array, options?: On): Promise<void>;
  /** Sends a WebSocket Close; `stop` ends the engine. */
  close(code: number, reason?: string, options?: On): Promise<void>;
  /** Puts a name into the timeline. */
  mark(name: string): Promise<void>;

  /** Ends connections without a closing handshake. */
  drop(how?: 'reset' | 'fin', options?: On): Promise<void>;
  /** Holds all bytes, without a FIN or a reset: a half-open link. */
  partition(direction?: Direction, options?: On & For): Promise<void>;
  /** Ends a partition: what was held goes on. */
  heal(options?: On): Promise<void>;
  /** Delays all bytes by so much, one way; 0 undoes it. */
  latency(ms: number, options?: On & For & Way): Promise<void>;
  /** Lets so many bytes a second through; null undoes it. */
  bandwidth(bytesPerS: number | null, options?: On & For & Way): Promise<void>;
  /** Answers the next handshakes with a status (503) instead of 101; null undoes it. */
  refuse(
    status?: number | null,
    options?: For & Times & { headers?: Readonly<Record<string, string>>; body?: unknown },
  ): Promise<void>;
  /** Takes connections and never answers them. */
  hang(on?: boolean, options?: For & Times): Promise<void>;
  /** Resets what is open, and refuses every dial until `up`. */
  down(options?: For): Promise<void>;
  /** Listens again. */
  up(): Promise<void>;
  /** Whether the engine answers Pings. */
  pongs(how: 'auto' | 'withheld', options?: For): Promise<void>;
  /** Undoes every fault that was set by a verb; those of the tape stay. */
  clear(): Promise<void>;

  /** Waits until it is so. A WaitTimeout has the timeline in its message. */
  waitFor(wanted: Wanted): Promise<void>;
  /** The live connections. */
  connections(): Promise<Connection[]>;
  /** What happened, in order: of the newest 16 MiB. */
  journal(): Promise<Entry[]>;
  /** What clients have sent, in order: text and binary frames, of each the first 16 KiB. */
  received(options?: On): Promise<(string | Buffer)[]>;
  /** What happened, for people: connections, gaps between them, and a line for each thing. */
  timeline(): Promise<string>;
  /** The timeline, and what the engine has said; where it is gone, why. */
  report(): Promise<string>;
  /** What has become of each `expect` of the tape until now. */
  verdict(): Promise<Verdict>;

  /** Ends the engine, and waits until its process is gone. */
  stop(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an engine on a free port of this machine. */
export function serve(tape?: TapeLike, options?: ServeOptions): Promise<Engine>;

/** A test of any runner, with an engine that ends with it. An error of the test gets the timeline into its message. */
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

/** The engine did not start, or would not do what it was told. */
export class EngineError extends Error {}
/** There is no `wstape` program. */
export class BinaryNotFound extends EngineError {}
/** A tape or a step is none; the message shows its line, and a caret at the flaw. */
export class TapeError extends EngineError {}
/** What was waited for did not come to pass in time. */
export class WaitTimeout extends EngineError {}
/** The engine runs no more. */
export class EngineGone extends EngineError {}
