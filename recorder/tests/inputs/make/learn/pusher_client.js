global.WebSocket = undefined;
const Pusher = require("pusher-js"); const [url, order] = [new URL(process.argv[2]), process.argv[3].split(",")];
const p = new Pusher("appkey123", { wsHost: url.hostname, wsPort: url.port, forceTLS: false, enabledTransports: ["ws"], cluster: "x", disableStats: true, activityTimeout: 700 });
p.connection.bind("error", (e) => console.log("error", JSON.stringify(e).slice(0, 200))); const got = {};
const wait = (ch, ev) => new Promise((y) => { ch.bind(ev, () => y("ok")); setTimeout(() => y("NO ANSWER"), 2000); });
p.connection.bind("connected", async () => { console.log("connected", !!p.connection.socket_id); const ch = {};
  for (const o of order) { got[o] = 0; ch[o] = p.subscribe(o); ch[o].bind("trade", (d) => { if (d.px) got[o]++; }); console.log("sub", o, await wait(ch[o], "pusher:subscription_succeeded")); }
  await new Promise((r) => setTimeout(r, 1000)); p.unsubscribe(order[0]); await new Promise((r) => setTimeout(r, 200)); const at = got[order[0]];
  await new Promise((r) => setTimeout(r, 1000)); console.log("after", got[order[0]] - at, JSON.stringify(Object.fromEntries(Object.entries(got).map(([k, v]) => [k, v > 2]))), p.connection.state);
  process.exit(0); }); setTimeout(() => { console.log("TIMEOUT", p.connection.state, JSON.stringify(got)); process.exit(1); }, 12000);
