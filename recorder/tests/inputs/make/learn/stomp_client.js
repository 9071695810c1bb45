const { Client } = require("@stomp/stompjs"); const WebSocket = require("ws");
const [url, order] = [process.argv[2], process.argv[3].split(",")];
const got = {}; let at;
const c = new Client({ webSocketFactory: () => new WebSocket(url + "/stomp", ["v12.stomp"]), connectHeaders: { login: "ada", passcode: "correct-horse" }, reconnectDelay: 0, heartbeatIncoming: 0, heartbeatOutgoing: 700 });
const receipt = (id) => new Promise((y) => { c.watchForReceipt(id, () => y("ok")); setTimeout(() => y("NO RECEIPT"), 2000); });
c.onConnect = async () => {
  console.log("connected", c.connectedVersion); const subs = {};
  for (const o of order) { got[o] = 0; const r = receipt("r-" + o + process.pid); subs[o] = c.subscribe("/topic/" + o, () => got[o]++, { receipt: "r-" + o + process.pid }); console.log("sub", o, await r); }
  await new Promise((r) => setTimeout(r, 1000));
  subs[order[0]].unsubscribe(); await new Promise((r) => setTimeout(r, 200)); at = got[order[0]];
  await new Promise((r) => setTimeout(r, 500));
  console.log("after", got[order[0]] - at, JSON.stringify(Object.fromEntries(Object.entries(got).map(([k, v]) => [k, v > 2]))));
  await c.deactivate(); process.exit(0);
};
c.onWebSocketClose = (e) => console.log("closed", e.code); c.onStompError = (f) => console.log("ERROR", f.headers);
c.activate(); setTimeout(() => { console.log("TIMEOUT", JSON.stringify(got)); process.exit(1); }, 12000);
