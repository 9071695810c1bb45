#!/usr/bin/env bash
# npm @skyware/firehose 0.5.2, @skyware/jetstream 0.2.5, @atcute/jetstream 2.0.0; PyPI atproto 0.0.73; ws 8.23.0 as the server
#
# A client of Bluesky's streams resumes by dialling with a cursor: in the firehose the number of the last event, in
# Jetstream the server's timestamp of it. Events 1, 2 and 3 arrive, the connection is lost, 4 and 5 are published during
# the outage, and 6 after it.
# - @skyware/firehose emits "reconnect" and never dials: it adds its listeners to the closed connection again. It does
#   the same whenever nothing has arrived for five seconds, and so closes the connection of a quiet feed for good.
# - atproto dials with the cursor it was started with. Without one it misses the outage; with one it starts there again
#   (its documentation warns of this).
# - @skyware/jetstream resumes at the last event, which arrives again.
# - @atcute/jetstream does the same, unless its clock is ahead of the server's: its first cursor is its own time, and
#   earlier events don't move it. If it is a minute ahead, it misses any outage in its first minute.
#
# Seen:
#   @skyware/firehose: 1 dial, says "reconnect"; missed: 4 5 6; twice: none
#   @skyware/firehose, quiet for 6 s: 1 dial, says "reconnect"; missed: 4 5 6; twice: none
#   @skyware/jetstream: 2 dials; missed: none; twice: 3
#   @atcute/jetstream: 2 dials; missed: none; twice: 3
#   @atcute/jetstream, a minute ahead: 2 dials; missed: 4 5; twice: none
#   atproto: 2 dials; missed: 4 5; twice: none
#   atproto, from a cursor: 2 dials; missed: none; twice: 1 2 3
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check atproto==0.0.73
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 @skyware/firehose@0.5.2 @skyware/jetstream@0.2.5 @atcute/jetstream@2.0.0 \
  @atcute/cbor@2.3.6

cat > expected <<'EOF'
@skyware/firehose: 1 dial, says "reconnect"; missed: 4 5 6; twice: none
@skyware/firehose, quiet for 6 s: 1 dial, says "reconnect"; missed: 4 5 6; twice: none
@skyware/jetstream: 2 dials; missed: none; twice: 3
@atcute/jetstream: 2 dials; missed: none; twice: 3
@atcute/jetstream, a minute ahead: 2 dials; missed: 4 5; twice: none
atproto: 2 dials; missed: 4 5; twice: none
atproto, from a cursor: 2 dials; missed: none; twice: 1 2 3
EOF

# Each prints the number of what it gets, a line each.
cat > client.mjs <<'EOF'
import WebSocket from 'ws'
globalThis.WebSocket ??= WebSocket
const [name, url] = process.argv.slice(2)

await {
  async '@skyware/firehose'() {
    const { Firehose } = await import(name)
    const firehose = new Firehose({ relay: url, ws: WebSocket })
    firehose.on('identity', ({ seq }) => console.log(seq))
    firehose.on('reconnect', () => console.log('reconnect'))
    firehose.start()
  },
  async '@skyware/jetstream'() {
    const { Jetstream } = await import(name)
    const jetstream = new Jetstream({ endpoint: `${url}/subscribe`, ws: WebSocket })
    jetstream.on('identity', ({ identity }) => console.log(identity.seq))
    jetstream.start()
  },
  async '@atcute/jetstream'() {
    const { JetstreamSubscription } = await import(name)
    for await (const { identity } of new JetstreamSubscription({ url, ws: { WebSocket } })) console.log(identity.seq)
  },
}[name]()
EOF

cat > client.py <<'EOF'
import sys
from atproto import FirehoseSubscribeReposClient, parse_subscribe_repos_message

url, *cursor = sys.argv[1:]
client = FirehoseSubscribeReposClient(params={"cursor": int(cursor[0])} if cursor else None, base_uri=f"{url}/xrpc")
client.start(lambda message: print(parse_subscribe_repos_message(message).seq, flush=True))
EOF

cat > try.mjs <<'EOF'
import { spawn } from 'node:child_process'
import http from 'node:http'
import { encode } from '@atcute/cbor'
import { WebSocketServer } from 'ws'

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const time = '2026-01-01T00:00:00.000Z'

// Of the firehose's events one has a number, of Jetstream's a time in microseconds by this server's clock.
const kinds = {
  firehose: {
    place: ({ seq }) => seq, follows: (place, cursor) => place > cursor,
    write: ({ seq }) => Buffer.concat([encode({ op: 1, t: '#identity' }), encode({ seq, did: DID, time, handle: 'one.example' })]),
  },
  jetstream: {
    place: ({ at }) => at, follows: (place, cursor) => place >= cursor,
    write: ({ seq, at }) => JSON.stringify({ did: DID, time_us: at, kind: 'identity', identity: { seq, did: DID, time, handle: 'one.example' } }),
  },
}

function feed({ place, follows, write }, behind_ms) {
  const [stored, listening] = [[], new Set()]
  let dials = 0
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, { url }) => {
    dials += 1
    const { searchParams } = new URL(url, 'http://127.0.0.1')
    const begin = () => {
      const cursor = Number(searchParams.get('cursor') ?? Infinity)
      for (const each of stored.filter((one) => follows(place(one), cursor))) socket.send(write(each))
      listening.add(socket)
    }
    if (searchParams.get('requireHello') === 'true') socket.once('message', begin)
    else begin()
    socket.on('close', () => listening.delete(socket))
  })
  const listen = (port = 0) => new Promise((done) => server.listen(port, '127.0.0.1', () => done(server.address().port)))
  return {
    listen, dials: () => dials, listening: () => listening.size,
    put(seq) {
      const event = { seq, at: (Date.now() - behind_ms) * 1000 + seq }
      stored.push(event)
      for (const socket of listening) socket.send(write(event))
    },
    async lose() {
      for (const socket of sockets.clients) socket.terminate()
      await new Promise((done) => server.close(done))
    },
  }
}

async function seen(what) {
  const [name, how] = what.split(', ')
  const { listen, dials, listening, put, lose } = feed(kinds[name.includes('jetstream') ? 'jetstream' : 'firehose'], how === 'a minute ahead' ? 60_000 : 0)
  const port = await listen()
  const program = name === 'atproto' ? ['venv/bin/python', 'client.py'] : ['node', 'client.mjs', name]
  const client = spawn(program[0], [...program.slice(1), `ws://127.0.0.1:${port}`, ...(how === 'from a cursor' ? ['0'] : [])], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  client.stdout.on('data', (text) => (said += text))
  const until = async (true_, ms) => { for (let waited = 0; !true_() && waited < ms; waited += 50) await sleep(50) }
  await until(listening, 30000)
  await sleep(500)
  for (const seq of [1, 2, 3]) put(seq)
  await until(() => said.includes('3\n'), 5000)
  if (how === 'quiet for 6 s') {
    await sleep(6000)
    put(4), put(5)
  } else {
    await lose()
    put(4), put(5)
    await sleep(200)
    await listen(port)
  }
  await until(() => dials() > 1 && listening(), 15000)
  await sleep(500)
  put(6)
  await sleep(1000)
  client.kill('SIGKILL')
  const got = said.trim().split('\n')
  const list = (want) => [1, 2, 3, 4, 5, 6].filter((seq) => want(got.filter((each) => each === `${seq}`).length)).join(' ') || 'none'
  return `${what}: ${dials()} dial${dials() === 1 ? '' : 's'}${got.includes('reconnect') ? ', says "reconnect"' : ''}; missed: ${list((n) => n === 0)}; twice: ${list((n) => n > 1)}`
}

const lines = ['@skyware/firehose', '@skyware/firehose, quiet for 6 s', '@skyware/jetstream', '@atcute/jetstream',
  '@atcute/jetstream, a minute ahead', 'atproto', 'atproto, from a cursor'].map(seen)
for (const line of await Promise.all(lines)) console.log(line)
process.exit(0)
EOF

timeout -k 5 100 node try.mjs | tee seen
diff expected seen && echo "as described"
