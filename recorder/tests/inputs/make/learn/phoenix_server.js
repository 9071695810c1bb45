const { WebSocketServer } = require("ws");
const wss = new WebSocketServer({ port: 9201 });
wss.on("connection", (s) => {
  const timers = new Map();
  const send = (...m) => s.send(JSON.stringify(m));
  s.on("close", () => timers.forEach(clearInterval));
  s.on("message", (raw) => {
    const [join, ref, topic, event, payload] = JSON.parse(raw);
    const ok = (response) => send(join, ref, topic, "phx_reply", { status: "ok", response });
    if (event === "phx_join") {
      ok({ last: 7 });
      send(join, null, topic, "presence_state", {});
      let px = 100;
      timers.set(topic, setInterval(() => send(null, null, topic, "trade", { px: px++ / 2, at: Date.now() }), 150));
    } else if (event === "phx_leave") {
      clearInterval(timers.get(topic)); timers.delete(topic);
      ok({}); send(join, ref, topic, "phx_close", {});
    } else if (event === "heartbeat") ok({});
    else if (event === "echo") ok({ said: payload.say });
    else send(join, ref, topic, "phx_reply", { status: "error", response: { reason: "unknown" } });
  });
});
