// npm partysocket over ws, at its defaults.
import { WebSocket as ReconnectingWebSocket } from 'partysocket'
import WS from 'ws'

// A constructor of a WebSocket takes no headers; this is how one brings a token along.
class WithToken extends WS {
  constructor(url, protocols) {
    super(url, protocols, { headers: { Authorization: `Bearer ${process.env.ENGINE_TOKEN}` } })
  }
}

const socket = new ReconnectingWebSocket(process.env.ENGINE_URL, [], { WebSocket: WithToken })
socket.onopen = () => process.argv.slice(2).forEach(subscription => socket.send(subscription))
socket.onmessage = message => console.log(String(message.data))
