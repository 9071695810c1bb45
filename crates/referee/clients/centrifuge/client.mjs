// npm centrifuge over ws, at its defaults.
import { Centrifuge } from 'centrifuge'
import { WebSocket } from 'ws'

const client = new Centrifuge(process.env.ENGINE_URL, { websocket: WebSocket, token: process.env.ENGINE_TOKEN })

for (const channel of ['trades', 'book']) {
  const subscription = client.newSubscription(channel)
  subscription.on('publication', ({ data }) => console.log(channel, JSON.stringify(data)))
  subscription.subscribe()
}
client.connect()
