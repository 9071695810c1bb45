// A subscriber: Node's ws. Prints what it got, one JSON list per line.

const WebSocket = require("ws");

const [url, said] = process.argv.slice(2);
const socket = new WebSocket(url, {
  headers: { Authorization: "Bearer t0k3n-of-a-real-client" },
});
const show = (...what) => console.log(JSON.stringify(what));

socket.on("open", () => {
  for (const text of JSON.parse(said)) socket.send(text);
  socket.send(Uint8Array.from({ length: 256 }, (_, n) => n));
});
socket.on("message", (data, binary) =>
  binary ? show("binary", data.toString("base64")) : show("text", data.toString()),
);
socket.on("close", (code) => show("close", code));
socket.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
