// What must type-check, and what must not.
import { Engine, EngineError, TapeError, WaitTimeout, serve, withEngine } from 'wstape';

const steps = [{ at_ms: 0, drop: 'reset' }];

export async function use(): Promise<void> {
  await using engine: Engine = await serve(steps, { start: 'connections:2', speed: 'max', overlays: [null, 'x.jsonl'] });
  await engine.partition('to_client', { conn: 1, forMs: 500 });
  await engine.refuse(429, { times: 2, headers: { 'retry-after': '2' }, body: { error: 'busy' } });
  await engine.waitFor({ connections: 2, received: { kind: 'text' }, timeoutMs: 100 });
  const got: (string | Buffer)[] = await engine.received({ conn: 1 });
  const held: boolean | undefined = (await engine.connections())[0]?.held;
  const { unmet, notMet }: { unmet: number; notMet: string[] } = await engine.verdict();
  console.log(got, held, unmet, notMet, engine.url.length, (await engine.journal())[0]?.kind);
  // @ts-expect-error a Close has a code
  await engine.close();
  // @ts-expect-error there is no such kind of drop
  await engine.drop('gently');
  // @ts-expect-error there is no such start
  await serve(steps, { start: 'connections' });
  // @ts-expect-error only serve starts an engine
  new Engine();
}

export const plain: () => Promise<void> = withEngine(async (engine) => engine.mark(engine.url));
export const withTape: () => Promise<void> = withEngine(steps, async (engine) => engine.stop());
export const withContext: (t: { name: string }) => Promise<void> = withEngine(
  new URL('file:///tape.jsonl'),
  { loop: true },
  async (engine, t: { name: string }) => engine.mark(t.name),
);
export const errors: EngineError[] = [new TapeError('a'), new WaitTimeout('b')];
