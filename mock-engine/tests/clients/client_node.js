// A subscriber of the JSON-RPC feed on Node's ws, at its defaults. It reconnects, subscribes again, and considers a channel
// dead if it is silent for a second while the connection answers. Prints what it saw.
'use strict';
const WebSocket = require('ws');

const SILENCE_MS = 1000;
const url = process.argv[2];
let number = 0;

function connect() {
  number += 1;
  const mine = number;
  const socket = new WebSocket(url);
  const seqs = [];
  let timer;
  const listen = () => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 99, method: 'ping' })), SILENCE_MS);
  };
  socket.on('open', () => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 40 + mine, method: 'subscribe', params: { channel: 'trades' } }));
    listen();
  });
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.method === 'feed') {
      seqs.push(message.params.seq);
      if (message.params.seq !== seqs.length) throw new Error(`sequence ${seqs}`);
      listen();
    } else if (message.id === 99) {
      console.log(`dead channel after ${seqs.length >= 5 ? 'True' : 'False'}, ping answered ${message.result === 'pong' ? 'True' : 'False'}`);
      process.exit(0);
    } else {
      console.log(`subscribed ${message.result.subscribed} id ${message.id}`);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(timer);
    console.log('lost');
    setTimeout(connect, 200);
  });
}

setTimeout(() => process.exit(2), 30000).unref();
connect();
