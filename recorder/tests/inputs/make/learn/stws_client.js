const { SubscriptionClient } = require("subscriptions-transport-ws"); const WebSocket = require("ws"); const [url, order] = [process.argv[2], process.argv[3].split(",")];
const c = new SubscriptionClient(url + "/graphql", { reconnect: false, connectionParams: { authToken: "kQ7xW2nB5vC9dTx7" } }, WebSocket);
const got = {}; const once = (query, variables) => new Promise((y) => { let last = []; c.request({ query, variables }).subscribe({ next: (v) => last.push(JSON.stringify(v.data || v.errors)), complete: () => y(last.join(" ")), error: (e) => y("ERROR " + e.message) }); setTimeout(() => y("NO ANSWER " + last), 2000); });
(async () => { console.log("query", await once("query($name: String) { hello(name: $name) }", { name: order[0] })); const subs = {};
  for (const o of order) { got[o] = 0; subs[o] = c.request({ query: "subscription($channel: String) { trades(channel: $channel) { px at channel } }", variables: { channel: o } }).subscribe({ next: (v) => { if (v.data.trades.channel === o) got[o]++; else console.log("OTHER CHANNEL"); } }); }
  console.log("count", await once("subscription { count(n: 3) }")); await new Promise((r) => setTimeout(r, 1000)); subs[order[0]].unsubscribe(); await new Promise((r) => setTimeout(r, 200)); const at = got[order[0]];
  await new Promise((r) => setTimeout(r, 500)); console.log("after", got[order[0]] - at, JSON.stringify(Object.fromEntries(Object.entries(got).map(([k, v]) => [k, v > 2])))); c.close(); process.exit(0); })();
setTimeout(() => { console.log("TIMEOUT", JSON.stringify(got)); process.exit(1); }, 12000);
