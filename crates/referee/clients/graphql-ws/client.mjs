// npm graphql-ws over ws, at its defaults.
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

const client = createClient({
  url: process.env.ENGINE_URL,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${process.env.ENGINE_TOKEN}` },
})

const query = 'subscription ($name: String!) { stream(name: $name) { time seq } }'
for (const name of ['trades', 'book']) {
  client.subscribe(
    { query, variables: { name } },
    {
      next: result => console.log(JSON.stringify(result.data)),
      error: error => console.error(name, error.message ?? error),
      complete: () => console.log(name, 'is complete'),
    },
  )
}
