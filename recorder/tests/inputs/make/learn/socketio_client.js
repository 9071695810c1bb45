// node socketio_client.js URL ORDER [WAIT_MS]: prints what it gets
const { io } = require("socket.io-client");
const [url, order, wait] = [process.argv[2], process.argv[3].split(","), +(process.argv[4] || 1500)];
const s = io(url, { transports: ["websocket"], reconnection: false, forceNew: true });
const got = {};
s.on("trade", (t) => { got[t.channel] = (got[t.channel] || 0) + 1; });
s.on("connect_error", (e) => console.log("connect_error", e.message));
s.on("disconnect", (why) => console.log("disconnect", why));
s.on("connect", async () => {
  const ask = (name, ...args) => s.timeout(2000).emitWithAck(name, ...args).catch((e) => "NO ACK " + e.message);
  console.log("time", typeof await ask("time"));
  for (const c of order) console.log("sub", c, JSON.stringify(await ask("subscribe", { channel: c })));
  await new Promise((r) => setTimeout(r, wait));
  console.log("unsub", order[0], JSON.stringify(await ask("unsubscribe", { channel: order[0] })));
  const at = got[order[0]]; await new Promise((r) => setTimeout(r, 500));
  console.log("after unsub more:", got[order[0]] - at, JSON.stringify(Object.fromEntries(Object.entries(got).map(([k,v])=>[k, v>2]))));
  s.close(); process.exit(0);
});
setTimeout(() => { console.log("TIMEOUT"); process.exit(1); }, 9000);
