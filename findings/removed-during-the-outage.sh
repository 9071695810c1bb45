#!/usr/bin/env bash
# npm home-assistant-js-websocket 9.7.0, ddp 0.12.1, simpleddp 2.2.4, pusher-js 8.6.0, phoenix 1.8.16 over ws 8.23.0
#
# Five clients keep a list for their program: devices, documents, or who is present. The server sends the whole list to
# each new subscription, and changes afterwards. The list is a, b. During an outage b is removed and c added; then the
# client subscribes again (with ddp the program does it, as its documentation shows) and gets a, c.
# - home-assistant-js-websocket and ddp merge the new list into the old one: b stays, in its last state. For a server
#   older than 2022.4 home-assistant-js-websocket uses other requests, and b is gone.
# - pusher-js replaces the list, but doesn't call the program's handler of removals.
# - phoenix and simpleddp replace it and call the handler for b; simpleddp calls it for a as well, which comes back.
#
# Seen:
#   home-assistant-js-websocket: a b, then a b c
#   home-assistant-js-websocket, an old server: a b, then a c
#   ddp: a b, then a b c; told of b: no
#   simpleddp: a b, then a c; told of b: yes
#   pusher-js: a b, then a c; told of b: no
#   phoenix: a b, then a c; told of b: yes
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 home-assistant-js-websocket@9.7.0 ddp@0.12.1 simpleddp@2.2.4 \
  pusher-js@8.6.0 phoenix@1.8.16

cat > expected <<'EOF'
home-assistant-js-websocket: a b, then a b c
home-assistant-js-websocket, an old server: a b, then a c
ddp: a b, then a b c; told of b: no
simpleddp: a b, then a c; told of b: yes
pusher-js: a b, then a c; told of b: no
phoenix: a b, then a c; told of b: yes
EOF

cat > try.mjs <<'EOF'
import { createRequire } from 'node:module'
import WebSocket, { WebSocketServer } from 'ws'

globalThis.WebSocket = WebSocket
const require = createRequire(import.meta.url)
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const LISTS = [['a', 'b'], ['a', 'c']]
const mapped = (list, make) => Object.fromEntries(list.map((each) => [each, make(each)]))

// What a server of each kind says to a message, with the whole list of this connection at a subscription.
const servers = {
  homeAssistant: (version) => (say, list) => {
    say({ type: 'auth_required', ha_version: version })
    const state = (id) => ({ entity_id: id, state: 'on', attributes: {}, last_changed: '2026-01-01T00:00:00Z', last_updated: '2026-01-01T00:00:00Z', context: { id } })
    return ({ type, id }) => {
      if (type === 'auth') return say({ type: 'auth_ok', ha_version: version })
      say({ id, type: 'result', success: true, result: type === 'get_states' ? list.map(state) : null })
      if (type === 'subscribe_entities') say({ id, type: 'event', event: { a: mapped(list, (c) => ({ s: 'on', a: {}, c, lc: 1767225600 })) } })
    }
  },
  ddp: (say, list) => ({ msg, id }) => {
    if (msg === 'connect') say({ msg: 'connected', session: 'one' })
    if (msg === 'unsub') say({ msg: 'nosub', id })
    if (msg !== 'sub') return
    for (const each of list) say({ msg: 'added', collection: 'devices', id: each, fields: { state: 'on' } })
    say({ msg: 'ready', subs: [id] })
  },
  pusher: (say, list) => {
    say({ event: 'pusher:connection_established', data: JSON.stringify({ socket_id: '1.1', activity_timeout: 120 }) })
    return ({ event, data }) => {
      const presence = { ids: list, hash: mapped(list, () => ({})), count: list.length }
      if (event === 'pusher:subscribe') say({ event: 'pusher_internal:subscription_succeeded', channel: data.channel, data: JSON.stringify({ presence }) })
    }
  },
  phoenix: (say, list) => ([join, reference, topic, event]) => {
    say([join, reference, topic, 'phx_reply', { status: 'ok', response: {} }])
    if (event === 'phx_join') say([join, null, topic, 'presence_state', mapped(list, (each) => ({ metas: [{ phx_ref: each }] }))])
  },
}

// Each gives a function that tells what the program has now; the other argument is called for a removal.
async function byHomeAssistant(port) {
  const { createConnection, createLongLivedTokenAuth, subscribeEntities } = await import('home-assistant-js-websocket')
  const connection = await createConnection({ auth: createLongLivedTokenAuth(`http://127.0.0.1:${port}`, 'token') })
  let entities = {}
  subscribeEntities(connection, (all) => (entities = all))
  return () => Object.keys(entities)
}

async function byDdp(port, removed) {
  const Client = require('ddp')
  const client = new Client({ host: '127.0.0.1', port, ddpVersion: '1', autoReconnect: true, autoReconnectTimer: 300, maintainCollections: true })
  client.connect(() => client.subscribe('devices', []))
  const observer = client.observe('devices')
  observer.removed = removed
  return () => Object.keys(client.collections.devices)
}

async function bySimpleddp(port, removed) {
  const Client = require('simpleddp').default ?? require('simpleddp')
  const client = new Client({ endpoint: `ws://127.0.0.1:${port}`, SocketConstructor: WebSocket, reconnectInterval: 300 })
  await client.connect()
  client.subscribe('devices')
  client.collection('devices').onChange((change) => change.removed && removed(change.removed.id))
  return () => client.collection('devices').fetch().map(({ id }) => id)
}

async function byPusher(port, removed) {
  const Pusher = require('pusher-js')
  const customHandler = (_, done) => done(null, { auth: 'key:signature', channel_data: '{"user_id":"a"}' })
  const client = new Pusher('key', { wsHost: '127.0.0.1', wsPort: port, forceTLS: false, cluster: '', enabledTransports: ['ws'], channelAuthorization: { customHandler } })
  const channel = client.subscribe('presence-devices')
  channel.bind('pusher:member_removed', ({ id }) => removed(id))
  return () => Object.keys(channel.members.members)
}

async function byPhoenix(port, removed) {
  const { Presence, Socket } = require('phoenix')
  const socket = new Socket(`ws://127.0.0.1:${port}`, { transport: WebSocket, reconnectAfterMs: () => 300, rejoinAfterMs: () => 300 })
  socket.connect()
  const channel = socket.channel('devices', {})
  const presence = new Presence(channel)
  presence.onLeave(removed)
  channel.join()
  return () => presence.list((id) => id)
}

async function seen(name, server, client) {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  let connections = 0
  listener.on('connection', (socket) => {
    const answer = server((message) => socket.send(JSON.stringify(message)), LISTS[Math.min(connections++, 1)])
    socket.on('message', (text) => [JSON.parse(text)].flat(name === 'phoenix' ? 0 : 1).forEach(answer))
  })
  await new Promise((done) => listener.on('listening', done))
  const gone = []
  const now = await client(listener.address().port, (id) => gone.push(id))
  await sleep(2000)
  const first = now()
  for (const socket of listener.clients) socket.terminate()
  for (let waited = 0; connections < 2 && waited < 20000; waited += 100) await sleep(100)
  await sleep(2000)
  const told = client.length > 1 ? `; told of b: ${gone.includes('b') ? 'yes' : 'no'}` : ''
  return `${name}: ${first.sort().join(' ')}, then ${now().sort().join(' ')}${told}`
}

const lines = await Promise.all([
  seen('home-assistant-js-websocket', servers.homeAssistant('2026.10.0'), byHomeAssistant),
  seen('home-assistant-js-websocket, an old server', servers.homeAssistant('2022.3.0'), byHomeAssistant),
  seen('ddp', servers.ddp, byDdp),
  seen('simpleddp', servers.ddp, bySimpleddp),
  seen('pusher-js', servers.pusher, byPusher),
  seen('phoenix', servers.phoenix, byPhoenix),
])
for (const line of lines) console.log(line)
process.exit(0)
EOF

timeout -k 5 100 node try.mjs | tee seen
diff expected seen && echo "as described"
