#!/usr/bin/env bash
# npm graphql-ws 6.4.2, subscriptions-transport-ws 0.11.0, @trpc/client 11.25.2, rpc-websockets 10.0.1 over ws 8.23.0;
# PyPI gql 4.4.0, ocpp 2.1.0 over websockets 17.4
#
# A client sends an order. The server carries it out, and the connection is lost before the answer; the server is back
# 0.3 s later. Each client is at its defaults, gql as `connect_async(reconnecting=True)`.
# - graphql-ws, subscriptions-transport-ws and gql send the mutation again on the next connection, as they do with a
#   subscription: two orders, one answer, and the program learns nothing of it.
# - @trpc/client sends only subscriptions again; for the mutation, the program gets an error at once.
# - rpc-websockets dials again, and the promise of its call never settles.
# - ocpp waits its 30 s for an answer that cannot come, although it knows that the connection has ended; the program's
#   other calls wait until then.
#
# Seen:
#   graphql-ws: 2 orders carried out; told: done
#   subscriptions-transport-ws: 2 orders carried out; told: done
#   gql: 2 orders carried out; told: done
#   @trpc/client: 1 order carried out; told: an error, at once
#   rpc-websockets: 1 order carried out; told: nothing in 20 s
#   ocpp: 1 order carried out; told: an error, after 30 s
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check gql==4.4.0 ocpp==2.1.0 websockets==17.4
npm install --silent --no-audit --no-fund --legacy-peer-deps --ignore-scripts ws@8.23.0 graphql-ws@6.4.2 graphql@16.15.0 \
    subscriptions-transport-ws@0.11.0 @trpc/client@11.25.2 @trpc/server@11.25.2 rpc-websockets@10.0.1

cat > expected <<'END_OF_TABLE'
graphql-ws: 2 orders carried out; told: done
subscriptions-transport-ws: 2 orders carried out; told: done
gql: 2 orders carried out; told: done
@trpc/client: 1 order carried out; told: an error, at once
rpc-websockets: 1 order carried out; told: nothing in 20 s
ocpp: 1 order carried out; told: an error, after 30 s
END_OF_TABLE

cat > server.cjs <<'END_OF_PROGRAM'
const { WebSocketServer } = require("ws");
const { spawn } = require("node:child_process");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// For each protocol: what it answers at once, and, where the message is an order, the answer to that.
const graphql = (start, data) => (message) =>
  message.type === "connection_init" ? { at_once: [{ type: "connection_ack" }] }
  : message.type === start ? { order: [{ id: message.id, type: data, payload: { data: { buy: true } } }, { id: message.id, type: "complete" }] }
  : {};
const protocols = {
  "graphql-transport-ws": graphql("subscribe", "next"),
  "graphql-ws": graphql("start", "data"),
  trpc: (message) => (message.method === "mutation" ? { order: [{ id: message.id, result: { type: "data", data: true } }] } : {}),
  rpc: (message) => (message.method === "buy" ? { order: [{ jsonrpc: "2.0", id: message.id, result: true }] } : {}),
  "ocpp1.6": (message) =>
    message[2] === "StartTransaction" ? { order: [[3, message[1], { transactionId: 1, idTagInfo: { status: "Accepted" } }]] } : {},
};

async function listen(port, protocol, orders, first) {
  const handleProtocols = (offered) => (offered.has(protocol) ? protocol : [...offered][0]);
  const server = new WebSocketServer({ port, host: "127.0.0.1", handleProtocols });
  server.on("connection", (socket) => {
    socket.on("message", (text) => {
      const send = (answers = []) => answers.forEach((answer) => socket.send(JSON.stringify(answer)));
      const { at_once, order } = protocols[protocol](JSON.parse(text));
      send(at_once);
      if (!order) return;
      orders.push(text);
      if (orders.length === 1) first();
      else send(order);
    });
  });
  await new Promise((done) => server.on("listening", done));
  return server;
}
async function stop(server) {
  for (const socket of server.clients) socket.terminate();
  await new Promise((done) => server.close(done));
}

async function play(name, protocol, command) {
  const orders = [];
  let first;
  const ordered = new Promise((done) => (first = done));
  let server = await listen(0, protocol, orders, first);
  const { port } = server.address();
  const client = spawn(command[0], [...command.slice(1), name, `ws://127.0.0.1:${port}/`], { stdio: ["ignore", "pipe", "ignore"] });
  let told = "";
  client.stdout.on("data", (text) => (told += text));
  const ended = new Promise((done) => client.on("close", done));
  await Promise.race([ordered, ended]);
  await stop(server);
  await sleep(300);
  server = await listen(port, protocol, orders, first);
  await ended;
  await stop(server);
  return `${name}: ${orders.length} order${orders.length === 1 ? "" : "s"} carried out; told: ${told.trim()}`;
}

(async () => {
  const node = ["node", "client.cjs"], python = ["venv/bin/python", "client.py"];
  const played = [
    play("graphql-ws", "graphql-transport-ws", node),
    play("subscriptions-transport-ws", "graphql-ws", node),
    play("gql", "graphql-transport-ws", python),
    play("@trpc/client", "trpc", node),
    play("rpc-websockets", "rpc", node),
    play("ocpp", "ocpp1.6", python),
  ];
  for (const line of played) console.log(await line);
  process.exit(0);
})();
END_OF_PROGRAM

cat > client.cjs <<'END_OF_PROGRAM'
const [name, url] = process.argv.slice(2);
const WebSocket = (globalThis.WebSocket = require("ws"));
const began = Date.now();
const tell = (text) => { console.log(text); process.exit(0); };
const done = () => tell("done");
const failed = () => tell(`an error, ${Date.now() - began < 15_000 ? "at once" : "late"}`);
const query = "mutation { buy }";
const clients = {
  "graphql-ws"() {
    const { createClient } = require("graphql-ws");
    createClient({ url, webSocketImpl: WebSocket }).subscribe({ query }, { next() {}, error: failed, complete: done });
  },
  "subscriptions-transport-ws"() {
    const { SubscriptionClient } = require("subscriptions-transport-ws");
    new SubscriptionClient(url, { reconnect: true }, WebSocket).request({ query }).subscribe({ next() {}, error: failed, complete: done });
  },
  "@trpc/client"() {
    const { createTRPCClient, createWSClient, wsLink } = require("@trpc/client");
    const client = createTRPCClient({ links: [wsLink({ client: createWSClient({ url, WebSocket }) })] });
    client.buy.mutate().then(done, failed);
  },
  "rpc-websockets"() {
    const { Client } = require("rpc-websockets");
    const client = new Client(url);
    client.once("open", () => client.call("buy").then(done, failed));
    client.on("error", () => {});
  },
};
clients[name]();
setTimeout(() => tell("nothing in 20 s"), 20_000);
END_OF_PROGRAM

cat > client.py <<'END_OF_PROGRAM'
import asyncio, logging, sys, time

name, url = sys.argv[1:]
logging.disable(logging.CRITICAL)

async def by_gql():
    from gql import Client, gql
    from gql.transport.websockets import WebsocketsTransport
    client = Client(transport=WebsocketsTransport(url=url))
    session = await client.connect_async(reconnecting=True)
    await session.execute(gql("mutation { buy }"))

async def by_ocpp():
    import websockets
    from ocpp.v16 import ChargePoint, call
    point = ChargePoint("a", await websockets.connect(url, subprotocols=["ocpp1.6"]))
    reading = asyncio.create_task(point.start())
    try:
        await point.call(call.StartTransaction(connector_id=1, id_tag="a", meter_start=0, timestamp="2026-01-01T00:00:00Z"))
    finally:
        assert reading.done() # the connection's end was told there

async def main():
    began = time.monotonic()
    try:
        await {"gql": by_gql, "ocpp": by_ocpp}[name]()
        print("done")
    except Exception:
        print("an error, at once" if time.monotonic() - began < 15 else "an error, after 30 s")

asyncio.run(main())
END_OF_PROGRAM

timeout -k 5 100 node server.cjs | tee seen
diff expected seen && echo "as described"
