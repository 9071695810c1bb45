#!/usr/bin/env bash
# npm undici 7.30.2, eventsource 5.1.5, eventsource-client 1.2.0, launchdarkly-eventsource 2.2.0
#
# A program does nothing but listen to server-sent events, and the server ends the connection after each event; `retry`
# says to come back after 300 ms. With undici (Node's own EventSource is the same code) and with eventsource, the first
# loss ends the program: nothing keeps the process alive while they wait to dial again, and it exits with status 0, as
# if all were done. The other two dial again. If the program has anything else to do, all four dial again.
#
# Seen:
#   undici: exits with 0 after 1 connection
#   undici, with a timer beside: goes on
#   eventsource: exits with 0 after 1 connection
#   eventsource, with a timer beside: goes on
#   eventsource-client: goes on
#   launchdarkly-eventsource: goes on
#
# A supervisor that restarts only what failed leaves such a program down.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts undici@7.30.2 eventsource@5.1.5 eventsource-client@1.2.0 \
    launchdarkly-eventsource@2.2.0

cat > expected <<'EOF'
undici: exits with 0 after 1 connection
undici, with a timer beside: goes on
eventsource: exits with 0 after 1 connection
eventsource, with a timer beside: goes on
eventsource-client: goes on
launchdarkly-eventsource: goes on
EOF

cat > client.cjs <<'EOF'
const [name, url, beside] = process.argv.slice(2)
if (beside) setInterval(() => {}, 1000)
if (name === 'eventsource-client') {
  require(name).createEventSource({ url, onMessage() {} })
} else {
  new (require(name).EventSource)(url).onmessage = () => {}
}
EOF

cat > try.cjs <<'EOF'
const http = require('node:http')
const { spawn } = require('node:child_process')
// More than one loss outlived: it goes on.
const ENOUGH = 4

function watch(name, beside) {
  return new Promise((done) => {
    let connections = 0
    let client
    const server = http.createServer((request, response) => {
      connections += 1
      response.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: 'close' })
      response.end(`retry: 300\nid: ${connections}\ndata: 101\n\n`)
      if (connections === ENOUGH) client.kill()
    })
    server.listen(0, '127.0.0.1', () => {
      const url = `http://127.0.0.1:${server.address().port}/`
      client = spawn('node', ['client.cjs', name, url, ...(beside ? ['beside'] : [])], { stdio: 'ignore' })
      client.on('exit', (status) => {
        server.close()
        const counted = `${connections} connection${connections === 1 ? '' : 's'}`
        const end = connections >= ENOUGH ? 'goes on' : `exits with ${status} after ${counted}`
        done(`${name}${beside ? ', with a timer beside' : ''}: ${end}`)
      })
    })
  })
}

async function main() {
  for (const name of ['undici', 'eventsource']) {
    for (const beside of [false, true]) console.log(await watch(name, beside))
  }
  for (const name of ['eventsource-client', 'launchdarkly-eventsource']) console.log(await watch(name, false))
}
main()
EOF

timeout -k 5 110 node try.cjs | tee seen
diff expected seen && echo "as described"
