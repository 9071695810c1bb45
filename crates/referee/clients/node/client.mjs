// Node's built-in WebSocket: it does not dial again by itself, so this is the loop that its users write.
const DELAY_MS = 1000

function connect() {
  const headers = { Authorization: `Bearer ${process.env.ENGINE_TOKEN}` }
  const socket = new WebSocket(process.env.ENGINE_URL, { headers })
  socket.onopen = () => process.argv.slice(2).forEach(subscription => socket.send(subscription))
  socket.onmessage = message => console.log(String(message.data))
  socket.onclose = () => setTimeout(connect, DELAY_MS)
}

connect()
