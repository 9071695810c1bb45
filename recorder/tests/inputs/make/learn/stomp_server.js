const { WebSocketServer } = require("ws");
const wss = new WebSocketServer({ port: 9202, handleProtocols: () => "v12.stomp" });
let n = 0;
wss.on("connection", (s) => {
  const timers = new Map();
  const frame = (cmd, headers, body = "") => s.send(cmd + "\n" + Object.entries(headers).map(([k, v]) => k + ":" + v).join("\n") + "\n\n" + body + "\0");
  s.on("close", () => timers.forEach(clearInterval));
  s.on("message", (raw) => {
    for (const part of String(raw).split("\0")) {
      const text = part.replace(/^[\r\n]+/, ""); if (!text) { continue; }
      const [head, body] = [text.slice(0, text.indexOf("\n\n")), text.slice(text.indexOf("\n\n") + 2)];
      const [cmd, ...lines] = head.split("\n"); const h = Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 1)]));
      if (cmd === "CONNECT" || cmd === "STOMP") { frame("CONNECTED", { version: "1.2", "heart-beat": "0,0", server: "small/1", session: "s-" + ++n }); }
      if (cmd === "SUBSCRIBE") { let px = 100, m = 0; timers.set(h.id, setInterval(() => frame("MESSAGE", { subscription: h.id, "message-id": h.id + "-" + m++, destination: h.destination, "content-type": "application/json" }, JSON.stringify({ px: px++ / 2, at: Date.now() })), 150)); }
      if (cmd === "UNSUBSCRIBE") { clearInterval(timers.get(h.id)); timers.delete(h.id); }
      if (cmd === "SEND") { frame("MESSAGE", { subscription: "replies", "message-id": "r" + Date.now(), destination: "/user/replies" }, JSON.stringify({ echo: body })); }
      if (h.receipt) frame("RECEIPT", { "receipt-id": h.receipt });
      if (cmd === "DISCONNECT") s.close();
    }
  });
});
