#!/usr/bin/env bash
# npm undici 7.30.2 (its WebSocket class), ws 8.23.0 for comparison
#
# The server refuses the handshake. One `new WebSocket` of undici then makes one request if the answer is 403 or 503,
# but two if it is 401. The two are a few milliseconds apart and have the same Sec-WebSocket-Key, and one "close" event
# stands for both. ws makes one request each time.
#
# Seen:
#   undici: 401: 2 requests, 1 close event, the second within 1 s and with the same key: true
#   undici: 403: 1 request, 1 close event
#   undici: 503: 1 request, 1 close event
#   ws: 401: 1 request, 1 close event
#   ws: 403: 1 request, 1 close event
#   ws: 503: 1 request, 1 close event
#
# A test that counts dials, or a rate limit that counts bad tokens, counts double.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts undici@7.30.2 ws@8.23.0 >/dev/null

cat > expected <<'EOF'
undici: 401: 2 requests, 1 close event, the second within 1 s and with the same key: true
undici: 403: 1 request, 1 close event
undici: 503: 1 request, 1 close event
ws: 401: 1 request, 1 close event
ws: 403: 1 request, 1 close event
ws: 503: 1 request, 1 close event
EOF

cat > try.js <<'EOF'
const http = require('http')
const kinds = { undici: require('undici').WebSocket, ws: require('ws') }

async function ask(name, status) {
  const times = []
  const keys = new Set()
  const server = http.createServer().on('upgrade', (request, socket) => {
    times.push(Date.now())
    keys.add(request.headers['sec-websocket-key'])
    socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  let closes = 0
  const socket = new kinds[name](`ws://127.0.0.1:${server.address().port}/`)
  socket.onerror = () => {}
  socket.onclose = () => closes++
  await new Promise(done => setTimeout(done, 1500))
  server.close()
  const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`
  const gap = times.length > 1 ? `, the second within 1 s and with the same key: ${times[1] - times[0] < 1000 && keys.size === 1}` : ''
  console.log(`${name}: ${status}: ${count(times.length, 'request')}, ${count(closes, 'close event')}${gap}`)
}

(async () => {
  for (const name of Object.keys(kinds)) for (const status of [401, 403, 503]) await ask(name, status)
  process.exit()
})()
EOF

timeout -k 5 40 node try.js | tee seen
diff expected seen && echo "as described"
