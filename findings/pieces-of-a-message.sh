#!/usr/bin/env bash
# PyPI aiosonic 1.3.3; Debian's golang.org/x/net 0.7.0 and Crystal 1.6.0 (bookworm); websockets 17.4 as the server and as
# a fourth client
#
# A server may send a message in fragments, with a Ping or Pong between them. This one does so by `send` with a list or
# a generator. Its library ends such a message with an empty fragment. A whole message, "next", follows.
# - aiosonic ignores FIN and continuations: the first fragment is delivered as the message, and the rest is lost. If the
#   first fragment is empty, so is the message.
# - websocket.Message.Receive of golang.org/x/net returns every fragment as a message, the empty ones too. If the end of
#   the connection cuts a frame short, it returns what has arrived, without an error.
# - Crystal's HTTP::WebSocket joins fragments, but forgets what came before a Ping or Pong: the same message is whole or
#   not, depending on when the server's keepalive fires.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
# Behind Crystal: what its compiler loads, then what its programs are linked with.
apt-get -qq download golang-golang-x-net-dev=1:0.7.0+dfsg-1 'crystal=1.6.0*' \
  libbsd0 libedit2 libffi8 libicu72 libllvm14 libmd0 libxml2 libz3-4 libevent-2.1-7 libgc1 libpcre3 \
  libevent-dev libgc-dev libpcre3-dev libssl-dev libssl3 zlib1g zlib1g-dev 2> log || { cat log >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" unpacked; done
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check aiosonic==1.3.3 websockets==17.4

cat > expected <<'EOF'
fragments, aiosonic: '[1,' 'next'
fragments, golang.org/x/net: '[1,' '2,' '3]' '' 'next'
fragments, Crystal: '[1,2,3]' 'next'
fragments, websockets: '[1,2,3]' 'next'
a Ping between, aiosonic: '[1,' 'next'
a Ping between, golang.org/x/net: '[1,' '2,' '3]' '' 'next'
a Ping between, Crystal: '2,3]' 'next'
a Ping between, websockets: '[1,2,3]' 'next'
a Pong between, aiosonic: '[1,' 'next'
a Pong between, golang.org/x/net: '[1,' '2,' '3]' '' 'next'
a Pong between, Crystal: '2,3]' 'next'
a Pong between, websockets: '[1,2,3]' 'next'
the first one empty, aiosonic: '' 'next'
the first one empty, golang.org/x/net: '' '[1,' '2,' '3]' '' 'next'
the first one empty, Crystal: '[1,2,3]' 'next'
the first one empty, websockets: '[1,2,3]' 'next'
lost between two, aiosonic: '[1,'
lost between two, golang.org/x/net: '[1,'
lost between two, Crystal:
lost between two, websockets:
lost within a frame, aiosonic:
lost within a frame, golang.org/x/net: '[1,2'
lost within a frame, Crystal:
lost within a frame, websockets:
EOF

# Each client prints what it is told as messages, in quotes, until the connection ends.
cat > client.py <<'EOF'
import asyncio, sys

name, url = sys.argv[1:]

async def by_aiosonic():
    from aiosonic import WebSocketClient
    async with WebSocketClient() as client:
        connection = await client.connect(url)
        async for message in connection:
            print(repr(message.data))
        await connection.close()

async def by_websockets():
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosedError
    async with connect(url, proxy=None) as connection:
        try:
            async for message in connection:
                print(repr(message))
        except ConnectionClosedError:
            pass

asyncio.run({"aiosonic": by_aiosonic, "websockets": by_websockets}[name]())
EOF

cat > client.go <<'EOF'
package main

import (
	"fmt"
	"os"

	"golang.org/x/net/websocket"
)

func main() {
	connection, err := websocket.Dial(os.Args[1], "", "http://127.0.0.1/")
	var message string
	for err == nil {
		if err = websocket.Message.Receive(connection, &message); err == nil {
			fmt.Printf("'%s'\n", message)
		}
	}
}
EOF

cat > client.cr <<'EOF'
require "http/web_socket"

socket = HTTP::WebSocket.new(URI.parse(ARGV[0]))
socket.on_message { |message| puts "'#{message}'" }
socket.run
EOF
libraries=$work/unpacked/usr/lib/x86_64-linux-gnu
GO111MODULE=off GOFLAGS='' GOPATH=$work/unpacked/usr/share/gocode go build -o client-go client.go
LD_LIBRARY_PATH=$libraries CRYSTAL_PATH=$work/unpacked/usr/lib/crystal/lib CRYSTAL_LIBRARY_PATH=$libraries \
  CRYSTAL_CACHE_DIR=$work/cache unpacked/usr/bin/crystal build -o client-crystal client.cr

cat > try.py <<'EOF'
import asyncio, os, sys
from websockets.asyncio.server import serve

LIBRARIES = os.path.abspath("unpacked/usr/lib/x86_64-linux-gnu")
CLIENTS = {
    "aiosonic": [sys.executable, "client.py", "aiosonic"],
    "golang.org/x/net": ["./client-go"],
    "Crystal": ["env", f"LD_LIBRARY_PATH={LIBRARIES}", "./client-crystal"],
    "websockets": [sys.executable, "client.py", "websockets"],
}
CASES = ["fragments", "a Ping between", "a Pong between", "the first one empty", "lost between two", "lost within a frame"]
PIECES = ["[1,", "2,", "3]"]

async def pieces(connection, between):
    yield PIECES[0]
    await between()
    for piece in PIECES[1:]:
        yield piece

async def play(connection, case):
    async def lose():
        # What is written so far goes out, then the transport ends.
        connection.transport.close()
        await connection.wait_closed()
    if case == "lost within a frame":
        connection.transport.write(b"\x81\x07[1,2")
        await lose()
    elif case == "the first one empty":
        await connection.send(["", *PIECES])
    elif case == "fragments":
        await connection.send(PIECES)
    else:
        between = {"a Ping between": connection.ping, "a Pong between": connection.pong, "lost between two": lose}[case]
        await connection.send(pieces(connection, between))
    await connection.send("next")

async def main():
    for case in CASES:
        async with serve(lambda connection: play(connection, case), "127.0.0.1", 0) as server:
            for name, program in CLIENTS.items():
                url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
                client = await asyncio.create_subprocess_exec(*program, url, stdout=asyncio.subprocess.PIPE)
                out, _ = await asyncio.wait_for(client.communicate(), 20)
                print(f"{case}, {name}:", *out.decode().split("\n")[:-1], flush=True)

asyncio.run(main())
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
