// npm phoenix over ws, at its defaults.
import { Socket } from 'phoenix'
import { WebSocket } from 'ws'

const socket = new Socket(process.env.ENGINE_URL, { transport: WebSocket, params: { token: process.env.ENGINE_TOKEN } })

for (const topic of ['stream:trades', 'stream:book']) {
  const channel = socket.channel(topic)
  channel.on('event', event => console.log(topic, JSON.stringify(event)))
  channel.join()
}
socket.connect()
