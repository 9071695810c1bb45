#!/usr/bin/env bash
# npm nostr-tools 2.25.2, @nostr-dev-kit/ndk 3.0.3, rx-nostr 3.7.5, applesauce-relay 6.2.1; PyPI nostr-sdk 0.45.1;
# ws 8.23.0 as the relay
#
# A Nostr relay stores events, dated by their authors to the second. It sends a subscriber the events that it has and
# those that follow. Five clients subscribe and get two events. During an outage the relay receives one dated in the
# same second as the last, one dated 2 s earlier that was sent late, and one dated a second later; a last event follows
# once all is well.
# - nostr-tools, with `enableReconnect`, asks for what is dated after the newest second it has seen: it never gets "same
#   second" and "late", and reports nothing.
# - ndk dials again but doesn't subscribe again: it is connected, and silent.
# - rx-nostr and applesauce-relay subscribe as before, and deliver everything again, including what they had delivered.
# - nostr-sdk subscribes as before, and delivers each event once.
#
# Seen:
#   nostr-tools: asks from a second later than the last event; missed: same second, late; twice: none
#   ndk: dials, does not ask; missed: same second, late, next second, after; twice: none
#   rx-nostr: asks as at first; missed: none; twice: first, before
#   applesauce-relay: asks as at first; missed: none; twice: first, before
#   nostr-sdk: asks as at first; missed: none; twice: none
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check nostr-sdk==0.45.1
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 nostr-tools@2.25.2 @nostr-dev-kit/ndk@3.0.3 rx-nostr@3.7.5 \
  applesauce-relay@6.2.1

cat > expected <<'EOF'
nostr-tools: asks from a second later than the last event; missed: same second, late; twice: none
ndk: dials, does not ask; missed: same second, late, next second, after; twice: none
rx-nostr: asks as at first; missed: none; twice: first, before
applesauce-relay: asks as at first; missed: none; twice: first, before
nostr-sdk: asks as at first; missed: none; twice: none
EOF

# Each prints the content of what its program is handed, a line each.
cat > client.mjs <<'EOF'
import WebSocket from 'ws'
globalThis.WebSocket = WebSocket
const [name, url, since] = process.argv.slice(2)
const filter = { kinds: [1], since: Number(since) }
const got = (event) => console.log(event.content)

await {
  async 'nostr-tools'() {
    const { SimplePool } = await import('nostr-tools/pool')
    new SimplePool({ enableReconnect: true }).subscribe([url], filter, { onevent: got })
  },
  async ndk() {
    const { default: NDK } = await import('@nostr-dev-kit/ndk')
    const ndk = new NDK({ explicitRelayUrls: [url], enableOutboxModel: false })
    await ndk.connect()
    ndk.subscribe(filter, { closeOnEose: false }, { onEvent: got })
  },
  async 'rx-nostr'() {
    const { createRxForwardReq, createRxNostr } = await import('rx-nostr')
    const client = createRxNostr({ verifier: async () => true, skipFetchNip11: true })
    const request = createRxForwardReq()
    client.setDefaultRelays([url])
    client.use(request).subscribe(({ event }) => got(event))
    request.emit(filter)
  },
  async 'applesauce-relay'() {
    const { Relay } = await import('applesauce-relay')
    new Relay(url).subscription(filter, { reconnect: true, resubscribe: true }).subscribe((event) => event === 'EOSE' || got(event))
  },
}[name]()
EOF

cat > client.py <<'EOF'
import asyncio, sys
from nostr_sdk import ClientBuilder, Filter, Kind, RelayUrl, ReqTarget, Timestamp

async def main():
    client = ClientBuilder().build()
    await client.add_relay(RelayUrl.parse(sys.argv[1]))
    await client.connect()
    told = client.notifications()
    await client.subscribe(ReqTarget.auto([Filter().kind(Kind(1)).since(Timestamp.from_secs(int(sys.argv[2])))]))
    while True:
        notification = await told.next()
        if notification.is_new_event():
            print(notification.event.content(), flush=True)

asyncio.run(main())
EOF

cat > try.mjs <<'EOF'
import { spawn } from 'node:child_process'
import http from 'node:http'
import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure'
import { WebSocketServer } from 'ws'

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const author = generateSecretKey()
const LAST = Math.floor(Date.now() / 1000) - 60
const FROM = LAST - 100
const event = (content, created_at) => finalizeEvent({ kind: 1, tags: [], content, created_at }, author)
const BEFORE = [event('first', LAST - 5), event('before', LAST)]
const MEANWHILE = [event('same second', LAST), event('late', LAST - 2), event('next second', LAST + 1)]
const AFTER = event('after', LAST + 20)

function relay() {
  const [stored, asked] = [[], []]
  const subscriptions = new Map()
  let dials = 0
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    dials += 1
    socket.on('close', () => subscriptions.delete(socket))
    socket.on('message', (text) => {
      const [verb, name, { since }] = JSON.parse(text)
      if (verb !== 'REQ') return
      asked.push(since)
      subscriptions.set(socket, name)
      const newestFirst = stored.filter((each) => each.created_at >= since).sort((a, b) => b.created_at - a.created_at)
      for (const each of newestFirst) socket.send(JSON.stringify(['EVENT', name, each]))
      socket.send(JSON.stringify(['EOSE', name]))
    })
  })
  const listen = (port = 0) => new Promise((done) => server.listen(port, '127.0.0.1', () => done(server.address().port)))
  return {
    asked, listen, dials: () => dials,
    put(each) {
      stored.push(each)
      for (const [socket, name] of subscriptions) socket.send(JSON.stringify(['EVENT', name, each]))
    },
    async lose() {
      for (const socket of sockets.clients) socket.terminate()
      await new Promise((done) => server.close(done))
      subscriptions.clear()
    },
  }
}

async function seen(name) {
  const { asked, listen, dials, put, lose } = relay()
  const port = await listen()
  const program = name === 'nostr-sdk' ? ['venv/bin/python', 'client.py'] : ['node', 'client.mjs', name]
  const client = spawn(program[0], [...program.slice(1), `ws://127.0.0.1:${port}`, FROM], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  client.stdout.on('data', (text) => (said += text))
  const until = async (true_, ms) => { for (let waited = 0; !true_() && waited < ms; waited += 50) await sleep(50) }
  await until(() => asked.length, 20000)
  await sleep(300)
  BEFORE.forEach(put)
  await until(() => said.includes('before\n'), 5000)
  await lose()
  MEANWHILE.forEach(put)
  await sleep(300)
  await listen(port)
  await until(() => asked.length > 1, 25000)
  await sleep(2000)
  put(AFTER)
  await sleep(1000)
  client.kill('SIGKILL')
  const got = said.trim().split('\n')
  const list = (events, want) => events.map(({ content }) => content).filter((each) => want(got.filter((one) => one === each).length)).join(', ') || 'none'
  const all = [...BEFORE, ...MEANWHILE, AFTER]
  const how = asked[1] === FROM ? 'asks as at first' : asked[1] === LAST + 1 ? 'asks from a second later than the last event'
    : asked[1] === undefined ? `${dials() > 1 ? 'dials' : 'does not dial'}, does not ask` : `asks from ${asked[1] - LAST} s`
  return `${name}: ${how}; missed: ${list(all, (n) => n === 0)}; twice: ${list(all, (n) => n > 1)}`
}

const names = ['nostr-tools', 'ndk', 'rx-nostr', 'applesauce-relay', 'nostr-sdk']
for (const line of await Promise.all(names.map(seen))) console.log(line)
process.exit(0)
EOF

timeout -k 5 100 node try.mjs | tee seen
diff expected seen && echo "as described"
