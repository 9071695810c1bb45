#!/usr/bin/env bash
# npm reconnecting-websocket 4.4.0, partysocket 1.3.0, phoenix 1.8.16, rxjs 7.8.2 over ws 8.23.0
#
# Each program logs in whenever its connection opens, and sends an order every 100 ms throughout. The server is gone for
# a second, and its next handshake takes half a second. Messages that the program sends meanwhile are queued, and sent
# *before* its `open` handler runs: the server first gets orders up to 1.5 s old, and then the login. rxjs queues only
# what is sent while it dials, and sends it in the same wrong order. A server that closes a connection that is not
# logged in, or answers each order with an error, shows this only after an outage: on the first connection the login
# comes first.
#
# Seen:
#   reconnecting-websocket: first connection: login, orders; second: most orders of the outage, login, orders
#   partysocket, phoenix: the same
#   rxjs: first connection: login, orders; second: some orders of the outage, login, orders
#   ws, redialled by hand: first connection: login, orders; second: login, orders
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund ws@8.23.0 reconnecting-websocket@4.4.0 partysocket@1.3.0 phoenix@1.8.16 rxjs@7.8.2

cat > expected <<'END'
reconnecting-websocket: first connection: login, orders; second: most orders of the outage, login, orders
partysocket: first connection: login, orders; second: most orders of the outage, login, orders
phoenix: first connection: login, orders; second: most orders of the outage, login, orders
rxjs: first connection: login, orders; second: some orders of the outage, login, orders
ws, redialled by hand: first connection: login, orders; second: login, orders
END

cat > try.cjs <<'END'
const { WebSocketServer, WebSocket } = require("ws");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
globalThis.WebSocket = WebSocket;

const often = { WebSocket, minReconnectionDelay: 100, maxReconnectionDelay: 100 };
const clients = {
  "reconnecting-websocket": (url) => {
    const Socket = require("reconnecting-websocket");
    const socket = new Socket(url, [], often);
    socket.onopen = () => socket.send("login");
    return { send: (text) => socket.send(text), end: () => socket.close() };
  },
  partysocket: (url) => {
    const Socket = require("partysocket/ws").default;
    const socket = new Socket(url, [], often);
    socket.onopen = () => socket.send("login");
    return { send: (text) => socket.send(text), end: () => socket.close() };
  },
  phoenix: (url) => {
    const { Socket } = require("phoenix");
    const encode = (message, done) => done(message);
    const socket = new Socket(url, { transport: WebSocket, reconnectAfterMs: () => 100, encode });
    socket.onOpen(() => socket.push("login"));
    socket.connect();
    return { send: (text) => socket.push(text), end: () => socket.disconnect() };
  },
  rxjs: (url) => {
    const { webSocket } = require("rxjs/webSocket");
    const { retry } = require("rxjs");
    const openObserver = { next: () => socket.next("login") };
    const socket = webSocket({ url, WebSocketCtor: WebSocket, serializer: (text) => text, openObserver });
    const reading = socket.pipe(retry({ delay: 100 })).subscribe();
    return { send: (text) => socket.next(text), end: () => reading.unsubscribe() };
  },
  "ws, redialled by hand": (url) => {
    let socket, ended;
    const dial = () => {
      socket = new WebSocket(url);
      socket.on("open", () => socket.send("login"));
      socket.on("error", () => {});
      socket.on("close", () => ended || setTimeout(dial, 100));
    };
    dial();
    const send = (text) => socket.readyState === WebSocket.OPEN && socket.send(text);
    return { send, end: () => { ended = true; socket.close(); } };
  },
};

let came = [];
function serve(port, handshakeMs) {
  const verifyClient = (_, done) => setTimeout(() => done(true), handshakeMs);
  const server = new WebSocketServer({ port, host: "127.0.0.1", verifyClient });
  server.on("connection", (socket) => {
    const texts = [];
    came.push(texts);
    socket.on("message", (text) => texts.push(String(text)));
  });
  return new Promise((done) => server.on("listening", () => done(server)));
}
function stop(server) {
  for (const socket of server.clients) socket.terminate();
  return new Promise((done) => server.close(done));
}
const amount = (n) => (n > 10 ? "most" : n > 0 ? "some" : "no");

(async () => {
  for (const [name, make] of Object.entries(clients)) {
    came = [];
    let server = await serve(0, 0);
    const { port } = server.address();
    const client = make(`ws://127.0.0.1:${port}/socket`);
    await sleep(500);
    let order = 0;
    const timer = setInterval(() => client.send(`order ${++order}`), 100);
    await sleep(550);
    await stop(server);
    await sleep(1000);
    server = await serve(port, 500);
    while (came.length < 2 || !came[1].includes("login")) await sleep(20);
    await sleep(300);
    clearInterval(timer);
    client.end();
    const [first, second] = came;
    const login = second.indexOf("login");
    const before = login > 0 ? `${amount(login)} orders of the outage, login` : "login";
    const ordered = first[0] === "login" && first.length > 2 ? "login, orders" : first.join();
    const behind = second.length > login + 1 ? ", orders" : "";
    console.log(`${name}: first connection: ${ordered}; second: ${before}${behind}`);
    await stop(server);
  }
  process.exit(0);
})();
END

timeout -k 5 60 node try.cjs | tee seen
diff expected seen && echo "as described"
