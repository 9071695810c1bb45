const { WebSocketServer } = require("ws"); const wss = new WebSocketServer({ port: 9103 });
wss.on("connection", (ws) => { const timers = {}; const ping = setInterval(() => ws.send("{}"), 500); ws.on("close", () => { clearInterval(ping); Object.values(timers).forEach(clearInterval); });
  ws.on("message", (d) => { const out = []; for (const l of d.toString().trim().split("\n")) { const m = JSON.parse(l); if (!m.id) continue;
    if (m.connect) out.push({ id: m.id, connect: { client: "c-" + Math.random().toString(36).slice(2), version: "5.0.0", ping: 1, pong: true } });
    else if (m.subscribe) { const c = m.subscribe.channel; let px = 1; out.push({ id: m.id, subscribe: {} }); timers[c] = setInterval(() => ws.send(JSON.stringify({ push: { channel: c, pub: { data: { px: px++ / 2 } } } })), 150); }
    else if (m.unsubscribe) { clearInterval(timers[m.unsubscribe.channel]); out.push({ id: m.id, unsubscribe: {} }); }
    else if (m.rpc) out.push({ id: m.id, rpc: { data: { echo: m.rpc.data } } }); }
    if (out.length) ws.send(out.map((o) => JSON.stringify(o)).join("\n")); }); });
