#!/usr/bin/env bash
# npm socket.io 4.8.4, socket.io-client 4.8.4; PyPI python-socketio 5.18.1 over aiohttp 3.14.5
#
# A Socket.IO server turns on `connectionStateRecovery`, so that a client that lost its connection gets what it missed.
# From then on the server appends a string of its own, the offset to resume from, to the arguments of every event.
# - python-socketio does not know recovery, and never runs a handler `price(data)` again: each event is a TypeError in a
#   task that nobody awaits, while the client says that it is connected.
# - A handler `(price, size = 1)` of the JavaScript client takes the offset for the size.
# - The JavaScript client misses nothing over a loss of its transport. python-socketio, with a handler that takes any
#   arguments, misses what was sent meanwhile, as without recovery.
#
# Seen:
#   recovery off: socket.io-client, (price, size = 1): size is 1; over a loss: some are missed
#   recovery off: python-socketio, price(data): runs
#   recovery off: python-socketio, price(*args): 1 argument; over a loss: some are missed
#   recovery on: socket.io-client, (price, size = 1): size is a string; over a loss: none is missed
#   recovery on: python-socketio, price(data): never runs, TypeError; connected is True
#   recovery on: python-socketio, price(*args): 2 arguments; over a loss: some are missed
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-socketio==5.18.1 aiohttp==3.14.5
npm install --silent --no-audit --no-fund socket.io@4.8.4 socket.io-client@4.8.4

cat > expected <<'EOF'
recovery off: socket.io-client, (price, size = 1): size is 1; over a loss: some are missed
recovery off: python-socketio, price(data): runs
recovery off: python-socketio, price(*args): 1 argument; over a loss: some are missed
recovery on: socket.io-client, (price, size = 1): size is a string; over a loss: none is missed
recovery on: python-socketio, price(data): never runs, TypeError; connected is True
recovery on: python-socketio, price(*args): 2 arguments; over a loss: some are missed
EOF

# Counts up, ten a second; loses each transport once, two seconds after its connection.
cat > server.cjs <<'EOF'
const { Server } = require("socket.io");
const { spawn } = require("node:child_process");
const http = require("node:http");

const run = (command, ...args) => new Promise((done) => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  child.on("close", () => done(said.trim()));
});

async function serve(recovery) {
  const server = http.createServer();
  const io = new Server(server, recovery === "on" ? { connectionStateRecovery: {} } : {});
  let lost = false;
  io.on("connection", (socket) => {
    if (lost) return;
    lost = true;
    setTimeout(() => socket.conn.transport.socket.terminate(), 2000);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  let price = 0;
  const timer = setInterval(() => io.emit("price", ++price), 100);
  return { url: `http://127.0.0.1:${server.address().port}`, end: () => { clearInterval(timer); io.close(); } };
}

(async () => {
  const programs = [["node", "client.cjs"], ["venv/bin/python", "client.py", "data"], ["venv/bin/python", "client.py", "args"]];
  for (const recovery of ["off", "on"]) {
    const said = programs.map(async ([command, ...args]) => {
      const { url, end } = await serve(recovery);
      const line = await run(command, ...args, url);
      end();
      return line;
    });
    for (const line of await Promise.all(said)) console.log(`recovery ${recovery}: ${line}`);
  }
  process.exit(0);
})();
EOF

cat > client.cjs <<'EOF'
const { io } = require("socket.io-client");
const prices = [];
let last, connections = 0;
const socket = io(process.argv[2], { transports: ["websocket"] });
socket.on("connect", () => (connections += 1));
socket.on("price", (price, size = 1) => {
  prices.push(price);
  last = typeof size === "number" ? size : `a ${typeof size}`;
});
setTimeout(() => {
  const missed = prices.at(-1) - prices[0] + 1 > prices.length ? "some are" : "none is";
  console.log(`socket.io-client, (price, size = 1): size is ${last}; over a loss: ${connections === 2 ? missed : "not"} missed`);
  process.exit(0);
}, 7000);
EOF

cat > client.py <<'EOF'
import asyncio, sys
import socketio

takes, url = sys.argv[1:]

async def main():
    failed = set()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.add(type(context["exception"]).__name__))
    client = socketio.AsyncClient()
    seen, connections = [], 0

    @client.event
    async def connect():
        nonlocal connections
        connections += 1

    if takes == "data":
        @client.on("price")
        async def price(data):
            seen.append((data,))
    else:
        @client.on("price")
        async def price(*args):
            seen.append(args)

    await client.connect(url, transports=["websocket"])
    await asyncio.sleep(7)
    if takes == "data":
        how = "runs" if seen else f"never runs, {', '.join(failed)}; connected is {client.connected}"
        print(f"python-socketio, price(data): {how}")
    else:
        numbers = [args[0] for args in seen]
        missed = "some are" if numbers[-1] - numbers[0] + 1 > len(numbers) else "none is"
        many = "1 argument" if len(seen[-1]) == 1 else f"{len(seen[-1])} arguments"
        print(f"python-socketio, price(*args): {many}; over a loss: {missed if connections == 2 else 'not'} missed")
    await client.disconnect()

asyncio.run(main())
EOF

timeout -k 5 100 node server.cjs | tee seen
diff expected seen && echo "as described"
