#!/usr/bin/env bash
# npm viem 2.57.20, web3 4.16.0, ethers 6.17.0; ws 8.23.0 as the node's side
#
# Three libraries subscribe to new block heads (eth_subscribe, JSON-RPC over WebSocket), one every 100 ms. The
# connection is lost, and a second later the server is back at the same address.
# - viem dials again and subscribes again.
# - web3 dials again and asks for the chain and the accounts, but does not subscribe again. It is connected and silent
#   for good, and its subscription's `error` never fires.
# - ethers does not dial again and reports nothing: no `error`, no rejection, no head.
#
# Seen:
#   viem: dialled again; subscribed again; heads came again; told: subscription error
#   web3: dialled again; did not subscribe again; no head came; told: nothing
#   ethers: did not dial again; did not subscribe again; no head came; told: nothing
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund ws@8.23.0 viem@2.57.20 web3@4.16.0 ethers@6.17.0

cat > expected <<'END'
viem: dialled again; subscribed again; heads came again; told: subscription error
web3: dialled again; did not subscribe again; no head came; told: nothing
ethers: did not dial again; did not subscribe again; no head came; told: nothing
END

cat > try.cjs <<'END'
const { WebSocketServer } = require("ws");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const hex = (n) => "0x" + n.toString(16);
const zeros = (digits) => "0x" + "0".repeat(digits);
const head = (n) => ({
  number: hex(n), hash: "0x" + n.toString(16).padStart(64, "0"), parentHash: zeros(64), nonce: zeros(16),
  sha3Uncles: zeros(64), logsBloom: zeros(512), transactionsRoot: zeros(64), stateRoot: zeros(64),
  receiptsRoot: zeros(64), miner: zeros(40), difficulty: "0x0", extraData: "0x", gasLimit: "0x1",
  gasUsed: "0x1", timestamp: hex(n), baseFeePerGas: "0x1",
});

let connections = 0, subscriptions = 0, number = 1;
function node(port) {
  const server = new WebSocketServer({ port, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    const name = hex(0x900 + ++connections);
    const answer = { eth_chainId: "0x1", net_version: "1", eth_blockNumber: hex(number), eth_accounts: [], eth_subscribe: name };
    const say = (message) => socket.readyState === 1 && socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
    socket.on("message", (text) => {
      for (const { id, method } of [JSON.parse(text)].flat()) {
        say({ id, result: answer[method] ?? null });
        if (method !== "eth_subscribe") continue;
        subscriptions += 1;
        const timer = setInterval(() => {
          say({ method: "eth_subscription", params: { subscription: name, result: head(number++) } });
        }, 100);
        socket.on("close", () => clearInterval(timer));
      }
    });
  });
  return new Promise((done) => server.on("listening", () => done(server)));
}

const told = new Set();
const tell = (what) => () => told.add(what);
const clients = {
  async viem(url, heard) {
    const { createPublicClient, webSocket } = require("viem");
    const { transport } = createPublicClient({ transport: webSocket(url) });
    await transport.subscribe({ params: ["newHeads"], onData: heard, onError: tell("subscription error") });
  },
  async web3(url, heard) {
    const { Web3 } = require("web3");
    const subscription = await new Web3(url).eth.subscribe("newBlockHeaders");
    subscription.on("data", heard);
    subscription.on("error", tell("subscription error"));
  },
  async ethers(url, heard) {
    const { WebSocketProvider, Network } = require("ethers");
    const provider = new WebSocketProvider(url, Network.from(1), { staticNetwork: true });
    provider.on("block", heard);
    provider.on("error", tell("provider error"));
  },
};

process.on("unhandledRejection", tell("a rejection"));
process.on("uncaughtException", tell("an exception"));
(async () => {
  const name = process.argv[2];
  let heads = 0;
  const first = await node(0);
  const { port } = first.address();
  await clients[name](`ws://127.0.0.1:${port}/`, () => (heads += 1));
  for (let waited = 0; heads < 3 && waited < 200; waited += 1) await sleep(50);
  if (heads < 3) throw new Error("no head came at all");
  for (const socket of first.clients) socket.terminate();
  await new Promise((done) => first.close(done));
  await sleep(1000);
  const before = heads;
  await node(port);
  await sleep(12_000);
  const dialled = connections > 1 ? "dialled again" : "did not dial again";
  const subscribed = subscriptions > 1 ? "subscribed again" : "did not subscribe again";
  const came = heads > before ? "heads came again" : "no head came";
  console.log(`${name}: ${dialled}; ${subscribed}; ${came}; told: ${[...told].join(", ") || "nothing"}`);
  process.exit(0);
})();
END

for name in viem web3 ethers; do timeout -k 5 60 node try.cjs "$name"; done | tee seen
diff expected seen && echo "as described"
