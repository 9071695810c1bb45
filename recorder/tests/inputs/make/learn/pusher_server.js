const { WebSocketServer } = require("ws");
const wss = new WebSocketServer({ port: 9203 }); let n = 1000;
wss.on("connection", (s) => {
  const timers = new Map(); const send = (m) => s.send(JSON.stringify(m));
  send({ event: "pusher:connection_established", data: JSON.stringify({ socket_id: n++ + ".77", activity_timeout: 120 }) });
  s.on("close", () => timers.forEach(clearInterval));
  s.on("message", (raw) => { const { event, data } = JSON.parse(raw);
    if (event === "pusher:ping") send({ event: "pusher:pong", data: "{}" });
    if (event === "pusher:subscribe") { const channel = data.channel;
      send({ event: "pusher_internal:subscription_succeeded", data: "{}", channel }); let px = 100;
      timers.set(channel, setInterval(() => send({ event: "trade", channel, data: JSON.stringify({ px: px++ / 2, at: Date.now() }) }), 150)); }
    if (event === "pusher:unsubscribe") { clearInterval(timers.get(data.channel)); timers.delete(data.channel); }
  });
});
