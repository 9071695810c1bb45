const { Server } = require("socket.io");
const io = new Server(9101, { pingInterval: 700, pingTimeout: 5000, transports: ["websocket"] });
io.on("connection", (s) => {
  const timers = new Map();
  s.on("subscribe", (m, cb) => { cb({ ok: true, channel: m.channel });
    let px = 100; timers.set(m.channel, setInterval(() => s.emit("trade", { channel: m.channel, px: px++ / 2, ts: Date.now() }), 150)); });
  s.on("unsubscribe", (m, cb) => { clearInterval(timers.get(m.channel)); timers.delete(m.channel); cb({ ok: true, channel: m.channel }); });
  s.on("time", (cb) => cb(Date.now()));
  s.on("disconnect", () => timers.forEach(clearInterval));
});
