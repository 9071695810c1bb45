// The JSON hub protocol of SignalR, as in https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md.
const { WebSocketServer } = require("ws"); const http = require("http");
const srv = http.createServer((q, r) => { if (q.url.includes("negotiate")) { r.setHeader("content-type", "application/json"); r.end(JSON.stringify({ connectionId: "c1", connectionToken: "t1", negotiateVersion: 1, availableTransports: [{ transport: "WebSockets", transferFormats: ["Text", "Binary"] }] })); } else { r.statusCode = 404; r.end(); } });
const wss = new WebSocketServer({ server: srv }); const E = "\x1e";
wss.on("connection", (ws) => { const send = (...m) => ws.send(m.map((x) => JSON.stringify(x) + E).join("")); const timers = {};
  const ping = setInterval(() => send({ type: 6 }), 600);
  ws.on("close", () => { clearInterval(ping); Object.values(timers).forEach(clearInterval); });
  ws.on("message", (d) => { for (const t of d.toString().split(E).filter(Boolean)) { const m = JSON.parse(t);
    if (m.protocol) { ws.send("{}" + E); continue; }
    if (m.type === 1 && m.target === "Subscribe") { const c = m.arguments[0]; let px = 1; send({ type: 3, invocationId: m.invocationId, result: { subscribed: c } }); timers[c] = setInterval(() => send({ type: 1, target: "Trade", arguments: [{ channel: c, px: px++ / 2 }] }), 150); }
    else if (m.type === 1 && m.target === "Unsubscribe") { clearInterval(timers[m.arguments[0]]); send({ type: 3, invocationId: m.invocationId, result: { unsubscribed: m.arguments[0] } }); }
    else if (m.type === 1 && m.target === "Echo") send({ type: 3, invocationId: m.invocationId, result: m.arguments[0] });
    else if (m.type === 4) { let i = 0; const t = setInterval(() => { if (i < 3) send({ type: 2, invocationId: m.invocationId, item: i++ }); else { clearInterval(t); send({ type: 3, invocationId: m.invocationId }); } }, 80); } } }); });
srv.listen(9102);
