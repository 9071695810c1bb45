// npm socket.io-client at its defaults, over WebSocket only.
import { io } from 'socket.io-client'

// The engine's path is that of its URL; socket.io-client reads a path in the URL as a namespace.
const { origin, pathname: path } = new URL(process.env.ENGINE_URL)
const socket = io(origin, { path, transports: ['websocket'], auth: { token: process.env.ENGINE_TOKEN } })

socket.on('connect', () => {
  for (const stream of ['trades', 'book']) {
    socket.emit('subscribe', stream, answer => console.log(stream, answer))
  }
})
socket.on('event', event => console.log(JSON.stringify(event)))
