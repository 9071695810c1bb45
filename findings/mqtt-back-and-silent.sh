#!/usr/bin/env bash
# PyPI paho-mqtt 2.2.0, aiomqtt 2.5.1; npm mqtt 5.16.0, with the broker aedes 1.2.0 over ws 8.23.0
#
# MQTT over WebSocket: three clients subscribe once to a topic that is published every 100 ms. The connections are lost,
# and the broker is back half a second later. All have a clean session, their default.
# - mqtt.js dials again and subscribes again by itself.
# - paho dials again, says that it is connected, and receives nothing for good: the broker has forgotten the
#   subscription, and nobody asks for it again unless `on_connect` does.
# - aiomqtt, which is built on paho, does not dial again: its iteration raises.
#
# Seen:
#   mqtt.js: 2 connections, 2 subscriptions; at the end connected, and messages come
#   paho-mqtt: 2 connections, 1 subscription; at the end connected, and no message comes
#   aiomqtt: 1 connection, 1 subscription; at the end MqttError, and no message comes
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check paho-mqtt==2.2.0 aiomqtt==2.5.1
npm install --silent --no-audit --no-fund mqtt@5.16.0 aedes@1.2.0 ws@8.23.0

cat > expected <<'END'
mqtt.js: 2 connections, 2 subscriptions; at the end connected, and messages come
paho-mqtt: 2 connections, 1 subscription; at the end connected, and no message comes
aiomqtt: 1 connection, 1 subscription; at the end MqttError, and no message comes
END

cat > broker.mjs <<'END'
import { Aedes } from "aedes";
import http from "node:http";
import { spawn } from "node:child_process";
import { WebSocketServer, createWebSocketStream } from "ws";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const aedes = await Aedes.createBroker();
let connections, subscriptions;
aedes.on("client", () => (connections += 1));
aedes.on("subscribe", () => (subscriptions += 1));
let number = 0;
setInterval(() => aedes.publish({ topic: "trades", payload: `${++number}`, qos: 0, cmd: "publish" }, () => {}), 100);

async function listen(port) {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0] });
  sockets.on("connection", (socket, request) => {
    const stream = createWebSocketStream(socket);
    stream.on("error", () => {});
    aedes.handle(stream, request);
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  return { server, sockets };
}
const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

for (const [name, command] of [
  ["mqtt.js", ["node", "js.cjs"]],
  ["paho-mqtt", ["venv/bin/python", "by_paho.py"]],
  ["aiomqtt", ["venv/bin/python", "by_aiomqtt.py"]],
]) {
  [connections, subscriptions] = [0, 0];
  const first = await listen(0);
  const { port } = first.server.address();
  const client = spawn(command[0], [...command.slice(1), `${port}`], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = new Promise((done) => client.on("close", done));
  let said = "";
  client.stdout.on("data", (text) => (said += text));
  for (let waited = 0; !said.includes("first\n") && waited < 200; waited += 1) await sleep(50);
  for (const socket of first.sockets.clients) socket.terminate();
  await new Promise((done) => first.server.close(done));
  await sleep(500);
  const second = await listen(port);
  await closed;
  const end = said.trim().split("\n").pop();
  console.log(`${name}: ${count(connections, "connection")}, ${count(subscriptions, "subscription")}; at the end ${end}`);
  for (const socket of second.sockets.clients) socket.terminate();
  await new Promise((done) => second.server.close(done));
}
process.exit(0);
END

cat > js.cjs <<'END'
const client = require("mqtt").connect(`ws://127.0.0.1:${process.argv[2]}`);
let last = 0;
client.on("message", () => {
  if (!last) console.log("first");
  last = Date.now();
});
client.subscribe("trades");
setTimeout(() => {
  const come = Date.now() - last < 1000 ? "messages come" : "no message comes";
  console.log(`${client.connected ? "connected" : "not connected"}, and ${come}`);
  process.exit(0);
}, 8000);
END

cat > by_paho.py <<'END'
import sys, time
import paho.mqtt.client as mqtt

last = 0

def on_message(client, userdata, message):
    global last
    if not last:
        print("first", flush=True)
    last = time.monotonic()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="websockets")
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]))
client.subscribe("trades")
client.loop_start()
time.sleep(8)
come = "messages come" if time.monotonic() - last < 1 else "no message comes"
print(f"{'connected' if client.is_connected() else 'not connected'}, and {come}")
END

cat > by_aiomqtt.py <<'END'
import asyncio, sys
import aiomqtt

async def main():
    got = 0
    try:
        async with asyncio.timeout(8), aiomqtt.Client("127.0.0.1", int(sys.argv[1]), transport="websockets") as client:
            await client.subscribe("trades")
            async for _ in client.messages:
                got += 1
                if got == 1:
                    print("first", flush=True)
        print("iterating, and messages come")
    except TimeoutError:
        print("iterating, and messages come")
    except aiomqtt.MqttError:
        print("MqttError, and no message comes")

asyncio.run(main())
END

timeout -k 5 60 node broker.mjs | tee seen
diff expected seen && echo "as described"
