// What one writes by hand on Node's ws to send the same to everyone: each turn once all clients are connected.
// Ends when its standard input does.
'use strict';
const { WebSocketServer } = require('ws');

const { clients, turns } = JSON.parse(process.argv[2]);

// Now, in microseconds: `2026-01-01T00:00:00.000000+00:00`.
function time() {
  const now = performance.timeOrigin + performance.now();
  const micros = Math.floor((now % 1) * 1000).toString().padStart(3, '0');
  return new Date(now).toISOString().replace('Z', `${micros}+00:00`);
}

function event(number) {
  return (
    `{"event": "positions", "ts":"${time()}", "data": {"n":${number}, "positions": [` +
    '{"coin": "TRX", "direction": "LONG", "entry_price": 0.33444, "size_coins": 149.0, ' +
    '"lens_id": "lens_flow"}, {"coin": "BTC", "direction": "SHORT", "entry_price": 63450.0, ' +
    '"size_coins": 0.00125, "size_usd": 76.14}], "value": 581.49}}'
  );
}

let sent = 0;
function broadcast() {
  sent += 1;
  const text = event(sent);
  for (const client of server.clients) client.send(text);
}

function begin() {
  for (const [atMs, events] of turns) {
    setTimeout(() => {
      for (let nth = 0; nth < events; nth += 1) broadcast();
    }, atMs);
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
server.on('connection', (client) => {
  client.on('error', () => {});
  if (server.clients.size === clients) begin();
});
