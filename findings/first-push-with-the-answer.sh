#!/usr/bin/env bash
# npm viem 2.57.20, web3 4.16.0, ethers 6.17.0, @solana/kit 8.4.0; ws 8.23.0 as the node's side
#
# A client subscribes with JSON-RPC over WebSocket. The node answers with the subscription's id and pushes 1, 2 and,
# half a second later, 3. Only the timing of the first two pushes differs:
# - If they are sent a fifth of a second after the answer, every client gets all three.
# - If they are sent in the same TCP segment as the answer, as by a node that has news at once, web3 and @solana/kit
#   lose both, without an error. They read all frames in one go, before the program that awaits the subscription can
#   listen.
# - If 1 is sent before the answer, in the same segment, viem loses 1, and web3 and @solana/kit lose both. JSON-RPC has
#   no rule against that order, and a server that pushes and answers from different threads produces it.
# ethers keeps what arrives for an id it doesn't know yet.
#
# Seen:
#   viem: after the answer: 1 2 3; with it: 1 2 3; 1 before it: 2 3
#   web3: after the answer: 1 2 3; with it: 3; 1 before it: 3
#   ethers: after the answer: 1 2 3; with it: 1 2 3; 1 before it: 1 2 3
#   @solana/kit: after the answer: 1 2 3; with it: 3; 1 before it: 3
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 viem@2.57.20 web3@4.16.0 ethers@6.17.0 @solana/kit@8.4.0

cat > expected <<'EOF'
viem: after the answer: 1 2 3; with it: 1 2 3; 1 before it: 2 3
web3: after the answer: 1 2 3; with it: 3; 1 before it: 3
ethers: after the answer: 1 2 3; with it: 1 2 3; 1 before it: 1 2 3
@solana/kit: after the answer: 1 2 3; with it: 3; 1 before it: 3
EOF

# Each prints the number of what it gets, a line each.
cat > client.mjs <<'EOF'
const [name, port] = process.argv.slice(2)
const url = `ws://127.0.0.1:${port}`
const got = (number) => console.log(Number(number))

await {
  async viem() {
    const { createPublicClient, webSocket } = await import('viem')
    const { transport } = createPublicClient({ transport: webSocket(url) })
    await transport.subscribe({ params: ['newHeads'], onData: ({ result }) => got(result.number), onError() {} })
  },
  async web3() {
    const { Web3 } = await import('web3')
    const subscription = await new Web3(url).eth.subscribe('newBlockHeaders')
    subscription.on('data', (head) => got(head.number))
  },
  async ethers() {
    const { WebSocketProvider } = await import('ethers')
    new WebSocketProvider(url, 1).on('block', got)
  },
  async '@solana/kit'() {
    const { createSolanaRpcSubscriptions } = await import('@solana/kit')
    const { signal } = new AbortController()
    const slots = await createSolanaRpcSubscriptions(url).slotNotifications().subscribe({ abortSignal: signal })
    for await (const { slot } of slots) got(slot)
  },
}[name]()
EOF

cat > try.mjs <<'EOF'
import { spawn } from 'node:child_process'
import { WebSocketServer } from 'ws'

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const hex = (n) => '0x' + n.toString(16)
const zeros = (digits) => '0x' + '0'.repeat(digits)
const block = (n) => ({
  number: hex(n), hash: '0x' + n.toString(16).padStart(64, '0'), parentHash: zeros(64), nonce: zeros(16), sha3Uncles: zeros(64),
  logsBloom: zeros(512), transactionsRoot: zeros(64), stateRoot: zeros(64), receiptsRoot: zeros(64), mixHash: zeros(64),
  miner: zeros(40), difficulty: '0x0', extraData: '0x', gasLimit: '0x1', gasUsed: '0x1', timestamp: hex(n), baseFeePerGas: '0x1',
})
const subscribing = {
  eth_subscribe: { id: '0x9001', pushes: 'eth_subscription', make: block },
  slotSubscribe: { id: 9001, pushes: 'slotNotification', make: (n) => ({ slot: n, parent: n - 1, root: 0 }) },
}

// Answers what is asked, pushes as `when` says, and calls `over` when the last is out.
function node(when, over) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket, request) => socket.on('message', async (text) => {
    const say = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
    const { id, method } = JSON.parse(text)
    const known = subscribing[method]
    if (!known) return say({ id, result: { eth_chainId: '0x1', net_version: '1', eth_blockNumber: '0x0' }[method] ?? null })
    const push = (n) => say({ method: known.pushes, params: { subscription: known.id, result: known.make(n) } })
    const answer = () => say({ id, result: known.id })
    // What is written between the two leaves in one segment.
    request.socket.cork()
    if (when === '1 before it') push(1)
    answer()
    if (when === 'after the answer') {
      request.socket.uncork()
      await sleep(200)
      request.socket.cork()
    }
    if (when !== '1 before it') push(1)
    push(2)
    request.socket.uncork()
    await sleep(500)
    push(3)
    over()
  }))
  return new Promise((done) => server.on('listening', () => done(server)))
}

async function seen(name, when) {
  let over
  const pushed = new Promise((done) => (over = done))
  const server = await node(when, over)
  const { port } = server.address()
  const client = spawn('node', ['client.mjs', name, port], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  client.stdout.on('data', (text) => (said += text))
  await Promise.race([pushed, sleep(20000)])
  await sleep(1500)
  client.kill('SIGKILL')
  server.close()
  return `${when}: ${said.trim().split('\n').join(' ')}`
}

for (const name of ['viem', 'web3', 'ethers', '@solana/kit']) {
  const each = await Promise.all(['after the answer', 'with it', '1 before it'].map((when) => seen(name, when)))
  console.log(`${name}: ${each.join('; ')}`)
}
process.exit(0)
EOF

timeout -k 5 100 node try.mjs | tee seen
diff expected seen && echo "as described"
