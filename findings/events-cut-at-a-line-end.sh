#!/usr/bin/env bash
# npm extended-eventsource 2.1.0, parse-sse 0.1.0, event-source-plus 0.1.15, eventsource 5.1.5, fetch-event-stream 0.1.6,
# @microsoft/fetch-event-source 2.0.1; the events are written by PyPI sse-starlette 3.7.0
#
# A feed of server-sent events of the type "trade", each with two lines of data. sse-starlette ends its lines with CR LF
# unless told otherwise. A TCP segment may end between the two. The client then has a CR, which by itself ends a line
# too.
# - extended-eventsource and parse-sse take the LF that follows for a blank line, which ends the event. So the data goes
#   to the handler of "message" instead of "trade", or one event becomes two halves. If the cut is in the blank line,
#   extended-eventsource delivers an additional, empty event.
# - event-source-plus keeps only the last line of data, cut or not, and with LF as well.
# - The other three deliver what was sent.
#
# Seen, as type:data, "+" for the end of a line: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sse-starlette==3.7.0
npm install --silent --no-audit --no-fund --ignore-scripts extended-eventsource@2.1.0 parse-sse@0.1.0 event-source-plus@0.1.15 \
  eventsource@5.1.5 fetch-event-stream@0.1.6 @microsoft/fetch-event-source@2.0.1

cat > expected <<'EOF'
LF, extended-eventsource: trade:[1,+2]
LF, parse-sse: trade:[1,+2]
LF, event-source-plus: trade:2]
LF, eventsource: trade:[1,+2]
LF, fetch-event-stream: trade:[1,+2]
LF, @microsoft/fetch-event-source: trade:[1,+2]
CR LF, extended-eventsource: trade:[1,+2]
CR LF, parse-sse: trade:[1,+2]
CR LF, event-source-plus: trade:2]
CR LF, eventsource: trade:[1,+2]
CR LF, fetch-event-stream: trade:[1,+2]
CR LF, @microsoft/fetch-event-source: trade:[1,+2]
cut behind the type, extended-eventsource: trade: message:[1,+2]
cut behind the type, parse-sse: message:[1,+2]
cut behind the type, event-source-plus: trade:2]
cut behind the type, eventsource: trade:[1,+2]
cut behind the type, fetch-event-stream: trade:[1,+2]
cut behind the type, @microsoft/fetch-event-source: trade:[1,+2]
cut behind the first line of data, extended-eventsource: trade:[1, message:2]
cut behind the first line of data, parse-sse: trade:[1, message:2]
cut behind the first line of data, event-source-plus: trade:2]
cut behind the first line of data, eventsource: trade:[1,+2]
cut behind the first line of data, fetch-event-stream: trade:[1,+2]
cut behind the first line of data, @microsoft/fetch-event-source: trade:[1,+2]
cut in the blank line, extended-eventsource: trade:[1,+2] message:
cut in the blank line, parse-sse: trade:[1,+2]
cut in the blank line, event-source-plus: trade:2]
cut in the blank line, eventsource: trade:[1,+2]
cut in the blank line, fetch-event-stream: trade:[1,+2]
cut in the blank line, @microsoft/fetch-event-source: trade:[1,+2]
EOF

# Prints the events, until it has the one whose data is "end".
cat > client.mjs <<'EOF'
const [name, url] = process.argv.slice(2)

const show = (type, data) => {
  console.log(`${type || 'message'}:${data.replaceAll('\n', '+')}`)
  if (data === 'end') process.exit(0)
}
const listen = (source) => {
  for (const type of ['trade', 'message']) source.addEventListener(type, (event) => show(type, event.data))
}
const browser = () => {
  globalThis.window = globalThis
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
}

const clients = {
  'extended-eventsource': async ({ EventSource }) => listen(new EventSource(url)),
  'eventsource': async ({ EventSource }) => listen(new EventSource(url)),
  'parse-sse': async ({ parseServerSentEvents }) => {
    for await (const event of parseServerSentEvents(await fetch(url))) show(event.type, event.data)
  },
  'event-source-plus': async ({ EventSourcePlus }) => {
    new EventSourcePlus(url).listen({ onMessage: (event) => show(event.event, event.data) })
  },
  'fetch-event-stream': async ({ events }) => {
    for await (const event of events(await fetch(url))) show(event.event, event.data ?? '')
  },
  '@microsoft/fetch-event-source': async ({ fetchEventSource }) => {
    browser()
    await fetchEventSource(url, { openWhenHidden: true, onmessage: (event) => show(event.event, event.data) })
  },
}
await clients[name](await import(name))
EOF

cat > try.py <<'EOF'
import socketserver, subprocess, threading, time
from concurrent.futures import ThreadPoolExecutor
from sse_starlette import ServerSentEvent

def written(data, **options):
    return ServerSentEvent(data, event="trade", **options).encode()

CRLF = written("[1,\n2]")

def cut(after):
    """In two segments, behind the first CR that follows this."""
    at = CRLF.index(b"\r", CRLF.index(after) + len(after)) + 1
    return [CRLF[:at], CRLF[at:]]

CASES = {
    "LF": [written("[1,\n2]", sep="\n")],
    "CR LF": [CRLF],
    "cut behind the type": cut(b"trade"),
    "cut behind the first line of data": cut(b"[1,"),
    "cut in the blank line": cut(b"2]\r\n"),
}
CLIENTS = ["extended-eventsource", "parse-sse", "event-source-plus", "eventsource", "fetch-event-stream", "@microsoft/fetch-event-source"]

class Feed(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for segment in [*self.server.segments, written("end")]:
            # Long enough that each is read by itself.
            time.sleep(0.3)
            self.wfile.write(segment)
        self.rfile.read()

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

def told(client, segments):
    with Server(("127.0.0.1", 0), Feed) as server:
        server.segments = segments
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out = subprocess.run(["node", "client.mjs", client, f"http://127.0.0.1:{server.server_address[1]}/"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, timeout=20).stdout
        server.shutdown()
    # The last event is "end".
    return out.split("\n")[:-2]

with ThreadPoolExecutor(len(CLIENTS)) as pool:
    for case, segments in CASES.items():
        for client, events in zip(CLIENTS, pool.map(lambda client: told(client, segments), CLIENTS)):
            print(f"{case}, {client}:", *events, flush=True)
EOF

timeout -k 5 100 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
