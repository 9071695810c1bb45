// toxiproxy-node-client, unmodified, drives the API: a latency, a reset, a timeout, a proxy that is down.
const { once } = require("node:events");
const { Toxiproxy } = require("toxiproxy-node-client");
const WebSocket = require("ws");

const LATENCY_MS = 200;
const [url, upstream, listen] = process.argv.slice(2);

async function greeted(address) {
  const socket = new WebSocket(`ws://${address}/ws`);
  await once(socket, "message");
  return socket;
}

async function echo(socket) {
  const start = performance.now();
  socket.send("x");
  await once(socket, "message");
  return performance.now() - start;
}

async function least(socket) {
  let best = Infinity;
  for (let i = 0; i < 5; i++) best = Math.min(best, await echo(socket));
  return best;
}

function lost(socket) {
  const start = performance.now();
  return new Promise((resolve) => {
    let how = "closed";
    // `ws` does not report that its socket was reset, so listen on the socket.
    socket._socket.on("error", (error) => (how = error.code));
    socket.on("close", () => resolve([how, performance.now() - start]));
  });
}

async function main() {
  const toxiproxy = new Toxiproxy(url);
  console.log("version", (await toxiproxy.getVersion()).includes("version"));
  // The port from the command line, under a name of the test's own.
  const { feed } = await toxiproxy.populate([{ name: "feed", listen, upstream, enabled: true }]);
  console.log("populated", Object.keys(await toxiproxy.getAll()), feed.listen === listen);

  let socket = await greeted(listen);
  const plain = await least(socket);
  const attributes = { latency: LATENCY_MS, jitter: 0 };
  const toxic = await feed.addToxic({ name: "slow", type: "latency", stream: "downstream", toxicity: 1, attributes });
  const late = (await least(socket)) - plain;
  console.log("latency within 10 %", Math.abs(late - LATENCY_MS) <= LATENCY_MS / 10);
  toxic.attributes.latency = 2 * LATENCY_MS;
  await toxic.update(toxic.toJson());
  const later = (await least(socket)) - plain;
  console.log("twice that within 10 %", Math.abs(later - 2 * LATENCY_MS) <= LATENCY_MS / 5);
  console.log("read back", (await feed.getToxic("slow")).attributes);
  await toxic.remove();

  let gone = lost(socket);
  const reset = { name: "reset", type: "reset_peer", stream: "downstream", toxicity: 1, attributes: { timeout: 0 } };
  await (await feed.addToxic(reset)).update(reset);
  console.log("reset_peer", (await gone)[0]);
  await toxiproxy.reset();

  socket = await greeted(listen);
  gone = lost(socket);
  await feed.addToxic({ name: "silence", type: "timeout", stream: "upstream", toxicity: 1, attributes: { timeout: 400 } });
  const [how, took] = await gone;
  console.log("timeout", how, took >= 360 && took <= 440);
  await toxiproxy.reset();

  socket = await greeted(listen);
  gone = lost(socket);
  await feed.addToxic({ name: "short", type: "limit_data", stream: "downstream", toxicity: 1, attributes: { bytes: 4 } });
  socket.send("longer than that");
  console.log("limit_data", (await gone)[0]);
  await toxiproxy.reset();

  await feed.update({ enabled: false, listen, upstream });
  const [error] = await once(new WebSocket(`ws://${listen}/ws`), "error");
  console.log("down", error.code);
  await feed.update({ enabled: true, listen, upstream });
  await feed.addToxic({ name: "bits", type: "slicer", stream: "downstream", toxicity: 1, attributes: { average_size: 8, size_variation: 0, delay: 1000 } });
  await feed.addToxic({ name: "thin", type: "bandwidth", stream: "downstream", toxicity: 1, attributes: { rate: 100 } });
  (await greeted(listen)).terminate();
  const elsewhere = toxiproxy.createProxy({ name: "other", listen: "127.0.0.1:0", upstream: "127.0.0.1:9" });
  console.log("elsewhere", await elsewhere.catch((error) => error.message));
  await feed.remove();
  console.log("removed", Object.keys(await toxiproxy.getAll()));
}

const bound = setTimeout(() => {
  console.log("not done within a minute");
  process.exit(1);
}, 60_000);
main().finally(() => clearTimeout(bound));
