// npm @stomp/stompjs over ws, at its defaults.
import { Client } from '@stomp/stompjs'
import { WebSocket } from 'ws'

Object.assign(globalThis, { WebSocket })

const client = new Client({
  brokerURL: process.env.ENGINE_URL,
  connectHeaders: { Authorization: `Bearer ${process.env.ENGINE_TOKEN}` },
  onConnect: () => {
    for (const topic of ['/topic/trades', '/topic/book']) {
      client.subscribe(topic, message => console.log(message.body))
    }
  },
})
client.activate()
