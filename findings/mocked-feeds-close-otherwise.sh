#!/usr/bin/env bash
# npm mock-socket 9.3.1, msw 2.15.0; undici 7.30.2 and ws 8.23.0 as the wire
#
# The same small feeds three times: mocked by mock-socket (under jest-websocket-mock), mocked by msw, and from a real
# server to undici's WebSocket, which is the one that Node has built in.
# - In mock-socket, the server's socket takes `close({ code, reason })`. It accepts `close(1012, "restart")`, the form
#   of ws and msw, without an error, and the client sees a clean 1000.
# - If nobody listens, mock-socket's client gets a *clean* close with 1000; the wire has 1006.
# - In msw, if a feed sends a message and closes at once, the client sees only the close: neither the `open` nor the
#   message arrives. A lost connection (1006) is reported as clean.
# A client that dials again unless the close was clean never does so in these tests, or always.
#
# Seen:
#   restart, close(1012, "restart"): mock-socket: open, close 1000 clean; msw: close 1012 restart clean; wire: open, close 1012 restart clean
#   a word, then close(1000): mock-socket: open, "bye", close 1000 clean; msw: close 1000 clean; wire: open, "bye", close 1000 clean
#   lost: mock-socket: open, close 1006; msw: close 1006 clean; wire: open, error, close 1006
#   nobody listens: mock-socket: error, close 1000 clean; wire: error, close 1006
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts mock-socket@9.3.1 msw@2.15.0 ws@8.23.0 undici@7.30.2

cat > expected <<'END'
restart, close(1012, "restart"): mock-socket: open, close 1000 clean; msw: close 1012 restart clean; wire: open, close 1012 restart clean
a word, then close(1000): mock-socket: open, "bye", close 1000 clean; msw: close 1000 clean; wire: open, "bye", close 1000 clean
lost: mock-socket: open, close 1006; msw: close 1006 clean; wire: open, error, close 1006
nobody listens: mock-socket: error, close 1000 clean; wire: error, close 1006
END

cat > try.mjs <<'END'
import { WebSocketServer } from "ws";
import { WebSocket } from "undici";
import { Server, WebSocket as MockWebSocket } from "mock-socket";

console.error = () => {};
console.warn = () => {};

function seen(socket) {
  const events = [];
  return new Promise((done) => {
    socket.onopen = () => events.push("open");
    socket.onmessage = ({ data }) => events.push(JSON.stringify(data));
    socket.onerror = () => events.push("error");
    socket.onclose = ({ code, reason, wasClean }) => {
      events.push(["close", code, reason, wasClean ? "clean" : ""].filter(Boolean).join(" "));
      setTimeout(() => done(events.join(", ")), 100);
    };
    setTimeout(() => done([...events, "nothing more in 3 s"].join(", ")), 3000);
  });
}

async function mockSocket(feed) {
  const server = new Server("ws://127.0.0.1:7001/");
  server.on("connection", (socket) => feed.mockSocket(socket, server));
  const events = await seen(new MockWebSocket("ws://127.0.0.1:7001/"));
  server.stop();
  return events;
}

async function wire(feed) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((done) => server.on("listening", done));
  server.on("connection", (socket) => feed.wire(socket));
  const events = await seen(new WebSocket(`ws://127.0.0.1:${server.address().port}/`));
  server.close();
  return events;
}

const restart = (socket) => socket.close(1012, "restart");
const word = (socket) => { socket.send("bye"); socket.close(1000); };
const wordBefore = (socket) => { socket.send("bye"); socket.close({ code: 1000 }); };
const feeds = {
  'restart, close(1012, "restart")': { mockSocket: restart, msw: restart, wire: restart },
  "a word, then close(1000)": { mockSocket: wordBefore, msw: word, wire: word },
  lost: {
    mockSocket: (_, server) => setTimeout(() => server.close({ code: 1006, reason: "", wasClean: false }), 50),
    msw: (client) => client.close(1006),
    wire: (socket) => socket.terminate(),
  },
};

const found = {};
for (const [name, feed] of Object.entries(feeds)) {
  found[name] = { "mock-socket": await mockSocket(feed), wire: await wire(feed) };
}
found["nobody listens"] = {
  "mock-socket": await seen(new MockWebSocket("ws://127.0.0.1:7001/")),
  wire: await seen(new WebSocket("ws://127.0.0.1:1/")),
};

// msw takes the place of the global WebSocket, so it comes last.
globalThis.WebSocket = WebSocket;
const { ws } = await import("msw");
const { setupServer } = await import("msw/node");
let act;
const link = ws.link("ws://feed.example/");
setupServer(link.addEventListener("connection", ({ client }) => act(client))).listen();
for (const [name, feed] of Object.entries(feeds)) {
  act = feed.msw;
  found[name].msw = await seen(new globalThis.WebSocket("ws://feed.example/"));
}

for (const [name, events] of Object.entries(found)) {
  const each = ["mock-socket", "msw", "wire"].filter((by) => by in events);
  console.log(`${name}: ${each.map((by) => `${by}: ${events[by]}`).join("; ")}`);
}
process.exit(0);
END

timeout -k 5 60 node try.mjs | tee seen
diff expected seen && echo "as described"
