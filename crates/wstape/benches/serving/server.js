// What one writes by hand on Node's ws to answer a request: its number comes back. Ends when its standard input does.
'use strict';
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const request = JSON.parse(data);
    if (request.method === 'ping') socket.send(JSON.stringify({ id: request.id, result: 'pong' }));
  });
});
