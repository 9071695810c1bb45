const { Socket } = require("phoenix"); const WebSocket = require("ws");
const [url, order] = [process.argv[2], process.argv[3].split(",")];
const sock = new Socket(url + "/socket", { transport: WebSocket, heartbeatIntervalMs: 700, params: { lang: "en" } });
sock.connect(); const got = {};
const reply = (push) => new Promise((y) => { push.receive("ok", (r) => y("ok " + JSON.stringify(r))).receive("error", (r) => y("error " + JSON.stringify(r))).receive("timeout", () => y("NO ANSWER")); });
(async () => {
  const chans = {};
  for (const o of order) { const c = chans[o] = sock.channel("room:" + o, { since: 0 }); got[o] = 0; c.on("trade", () => got[o]++);
    console.log("join", o, await reply(c.join(2000))); console.log("echo", await reply(c.push("echo", { say: "hi-" + o }, 2000))); }
  await new Promise((r) => setTimeout(r, 1000));
  console.log("unknown", await reply(chans[order[0]].push("nonsense", {}, 2000)));
  console.log("leave", await reply(chans[order[0]].leave(2000))); const at = got[order[0]];
  await new Promise((r) => setTimeout(r, 500));
  console.log("after", got[order[0]] - at, JSON.stringify(Object.fromEntries(Object.entries(got).map(([k, v]) => [k, v > 2]))));
  process.exit(0);
})(); setTimeout(() => { console.log("TIMEOUT", JSON.stringify(got)); process.exit(1); }, 12000);
