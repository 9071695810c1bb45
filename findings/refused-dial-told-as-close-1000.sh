#!/usr/bin/env bash
# npm reconnecting-websocket 4.4.0 and partysocket 1.3.0, over ws 8.23.0 and over undici 7.30.2
#
# A failed dial (port closed, or 503) reaches the user of reconnecting-websocket or partysocket as a close event with
# code 1000 and wasClean true, although the underlying socket reports 1006 and false. Some WebSocket classes, such as
# undici's, fire "error" before "close" for a lost connection. Over such a class, a connection that was open and is lost
# without a Close frame is also reported as a clean 1000.
#
# Seen:
#   port closed: ws alone: 1006 clean false
#   port closed: reconnecting-websocket over ws: 1000 clean true
#   port closed: partysocket over ws: 1000 clean true
#   port closed: reconnecting-websocket over undici: 1000 clean true
#   answer 503: ws alone: 1006 clean false
#   answer 503: reconnecting-websocket over ws: 1000 clean true
#   answer 503: partysocket over ws: 1000 clean true
#   answer 503: reconnecting-websocket over undici: 1000 clean true
#   lost after open: ws alone: 1006 clean false
#   lost after open: reconnecting-websocket over ws: 1006 clean false
#   lost after open: partysocket over ws: 1006 clean false
#   lost after open: reconnecting-websocket over undici: 1000 clean true
#
# Do not count outages, or assert on them, by the code in the close event of these libraries.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts reconnecting-websocket@4.4.0 partysocket@1.3.0 ws@8.23.0 \
  undici@7.30.2 >/dev/null

cat > expected <<'EOF'
port closed: ws alone: 1006 clean false
port closed: reconnecting-websocket over ws: 1000 clean true
port closed: partysocket over ws: 1000 clean true
port closed: reconnecting-websocket over undici: 1000 clean true
answer 503: ws alone: 1006 clean false
answer 503: reconnecting-websocket over ws: 1000 clean true
answer 503: partysocket over ws: 1000 clean true
answer 503: reconnecting-websocket over undici: 1000 clean true
lost after open: ws alone: 1006 clean false
lost after open: reconnecting-websocket over ws: 1006 clean false
lost after open: partysocket over ws: 1006 clean false
lost after open: reconnecting-websocket over undici: 1000 clean true
EOF

cat > try.js <<'EOF'
const http = require('http')
const ws = require('ws')
const undici = require('undici').WebSocket
const Reconnecting = require('reconnecting-websocket')
const Party = require('partysocket/ws').default

const kinds = {
  'ws alone': url => new ws(url),
  'reconnecting-websocket over ws': url => new Reconnecting(url, [], { WebSocket: ws, maxRetries: 0 }),
  'partysocket over ws': url => new Party(url, [], { WebSocket: ws, maxRetries: 0 }),
  'reconnecting-websocket over undici': url => new Reconnecting(url, [], { WebSocket: undici, maxRetries: 0 }),
}

const ended = socket => new Promise(done => {
  socket.onerror = () => {}
  socket.onclose = event => done(`${event.code} clean ${event.wasClean}`)
})

async function main() {
  const upgrader = new ws.Server({ noServer: true })
  const server = http.createServer().on('upgrade', (request, socket, head) => {
    if (request.url === '/503') return socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    upgrader.handleUpgrade(request, socket, head, () => setTimeout(() => socket.destroy(), 100))
  })
  const closed = http.createServer()
  for (const s of [server, closed]) await new Promise(done => s.listen(0, '127.0.0.1', done))
  const at = s => `ws://127.0.0.1:${s.address().port}`
  const cases = { 'port closed': at(closed), 'answer 503': at(server) + '/503', 'lost after open': at(server) + '/lost' }
  await new Promise(done => closed.close(done))
  for (const [what, url] of Object.entries(cases)) {
    for (const [kind, make] of Object.entries(kinds)) console.log(`${what}: ${kind}: ${await ended(make(url))}`)
  }
  process.exit()
}
main()
EOF

timeout -k 5 40 node try.js | tee seen
diff expected seen && echo "as described"
