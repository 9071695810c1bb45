const { Centrifuge } = require("centrifuge"); const [url, order] = [process.argv[2], process.argv[3].split(",")];
const c = new Centrifuge(url, { websocket: require("ws"), timeout: 2000 }); const got = {};
c.on("connected", (x) => console.log("connected", !!x.client)).on("error", (e) => console.log("error", JSON.stringify(e.error))).on("disconnected", (e) => console.log("disconnected", e.reason));
const subs = order.map((o) => { const s = c.newSubscription(o); s.on("publication", () => { got[o] = (got[o] || 0) + 1; }).on("subscribed", () => console.log("subscribed", o)).on("error", (e) => console.log("suberror", o, e.error.message)); s.subscribe(); return s; });
c.connect();
(async () => { await c.ready(3000).catch((e) => console.log("not ready", JSON.stringify(e))); console.log("rpc", JSON.stringify(await c.rpc("echo", { q: "x" + order[0] }).catch((e) => "NO ANSWER " + e.message)));
  await new Promise((r) => setTimeout(r, 1500)); subs[0].unsubscribe(); await new Promise((r) => setTimeout(r, 100)); const at = got[order[0]]; await new Promise((r) => setTimeout(r, 500));
  console.log("after unsub more:", got[order[0]] - at, JSON.stringify(Object.fromEntries(Object.entries(got).map(([k, v]) => [k, v > 2])))); c.disconnect(); setTimeout(() => process.exit(0), 100); })();
setTimeout(() => { console.log("TIMEOUT"); process.exit(1); }, 10000);
