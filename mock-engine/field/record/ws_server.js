// ws with an HTTP server, as in its README. SIGUSR2 closes the WebSocket server alone.
const http = require("http");
const { WebSocketServer } = require("ws");
const server = http.createServer((_, response) => response.end());
const wss = new WebSocketServer({ server });
wss.on("connection", (ws) => setInterval(() => ws.send('{"n":1}'), 100));
process.on("SIGUSR2", () => wss.close());
server.listen(Number(process.argv[2]), "127.0.0.1");
