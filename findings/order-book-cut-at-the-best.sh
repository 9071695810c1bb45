#!/usr/bin/env bash
# npm orderbooks 1.1.14
#
# It keeps order books from a feed's snapshots and deltas, and cuts them to a given depth.
# - When the bids are cut to the depth, they lose the best ones and keep the worst: of 100, 99, 98, 97 with room for
#   one, 97 stays. The asks are cut at the right end. No delta is needed: a snapshot deeper than the book is enough.
# - A level that is inserted twice, as by a delta that is sent again after a reconnection, is there twice; its removal
#   removes one.
# - A level is found by its price alone: a bid at the price of an ask replaces the ask, and the removal of that ask then
#   removes the bid.
# - With `checkTimestamps`, a new book takes the machine's time for the time of its last update: a recorded feed, or one
#   whose clock is behind, is refused from its first snapshot on.
#
# Seen:
#   depth 2, asks 103, bids 100 99 98 97: asks 103, bids 97
#   depth 4, asks 103 102 101, bids 100 99 98: asks 102 101, bids 100 98
#   bid 100 inserted again: asks 101, bids 100 100
#   bid 100 removed: asks 101, bids 100
#   bid at 101, the price of the ask: asks none, bids 101 100
#   ask at 101 removed: asks none, bids 100
#   first snapshot, a year old, with checkTimestamps: refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts orderbooks@1.1.14

cat > expected <<'EOF'
depth 2, asks 103, bids 100 99 98 97: asks 103, bids 97
depth 4, asks 103 102 101, bids 100 99 98: asks 102 101, bids 100 98
bid 100 inserted again: asks 101, bids 100 100
bid 100 removed: asks 101, bids 100
bid at 101, the price of the ask: asks none, bids 101 100
ask at 101 removed: asks none, bids 100
first snapshot, a year old, with checkTimestamps: refused
EOF

cat > try.cjs <<'EOF'
const { OrderBook } = require('orderbooks')
const YEAR_MS = 365 * 24 * 3600 * 1000
const level = (price, side) => ['X', price, side, 1]
const levels = (asks, bids) => [...asks.map((price) => level(price, 'Sell')), ...bids.map((price) => level(price, 'Buy'))]
const prices = (book, side) => book.getBookState().filter((one) => one[2] === side).map((one) => one[1]).join(' ') || 'none'
const show = (what, book) => console.log(`${what}: asks ${prices(book, 'Sell')}, bids ${prices(book, 'Buy')}`)
const opened = (options, asks, bids) => new OrderBook('X', options).handleSnapshot(levels(asks, bids))

for (const [maxDepth, asks, bids] of [[2, [103], [100, 99, 98, 97]], [4, [103, 102, 101], [100, 99, 98]]]) {
  show(`depth ${maxDepth}, asks ${asks.join(' ')}, bids ${bids.join(' ')}`, opened({ maxDepth }, asks, bids))
}

const twice = opened({}, [101], [100])
show('bid 100 inserted again', twice.handleDelta([], [], [level(100, 'Buy')]))
show('bid 100 removed', twice.handleDelta([level(100, 'Buy')]))

const crossed = opened({}, [101], [100])
show('bid at 101, the price of the ask', crossed.handleDelta([], [level(101, 'Buy')]))
show('ask at 101 removed', crossed.handleDelta([level(101, 'Sell')]))

let told = 'taken'
try {
  new OrderBook('X', { checkTimestamps: true }).handleSnapshot(levels([101], [100]), Date.now() - YEAR_MS)
} catch {
  told = 'refused'
}
console.log(`first snapshot, a year old, with checkTimestamps: ${told}`)
EOF

timeout -k 5 30 node try.cjs | tee seen
diff expected seen && echo "as described"
