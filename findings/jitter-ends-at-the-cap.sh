#!/usr/bin/env bash
# npm retry 0.13.1, p-retry 9.0.0, async-retry 1.3.3, exponential-backoff 3.1.3, cockatiel 4.0.0;
# PyPI tenacity 9.2.1, stamina 26.1.0, backoff 2.2.1
#
# How long a hundred clients wait before their tenth try, with jitter on and a cap of 3 s that the waits have reached
# by then. retry, p-retry, async-retry, stamina and tenacity's wait_exponential_jitter cap the sum of wait and jitter: each
# client waits exactly 3 s, and so do most with cockatiel, whose default jitter is "decorrelated". exponential-backoff,
# backoff and tenacity's wait_random_exponential draw below the cap. backoff's random_jitter exceeds its max_value by up to 1 s.
#
# Seen:
#   retry, randomize: all wait 3 s
#   p-retry, randomize: all wait 3 s
#   async-retry, by default: all wait 3 s
#   exponential-backoff, full: they differ, none above 3 s
#   cockatiel, by default: most wait 3 s
#   tenacity, wait_exponential_jitter: all wait 3 s
#   tenacity, wait_random_exponential: they differ, none above 3 s
#   stamina: all wait 3 s
#   backoff, by default: they differ, none above 3 s
#   backoff, random_jitter: they differ, some above 3 s
#
# The first waits show jitter; after a long outage, all clients come back in the same rhythm.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check tenacity==9.2.1 stamina==26.1.0 backoff==2.2.1
npm install --silent --no-audit --no-fund --ignore-scripts retry@0.13.1 p-retry@9.0.0 async-retry@1.3.3 \
    exponential-backoff@3.1.3 cockatiel@4.0.0

cat > expected <<'EOF'
retry, randomize: all wait 3 s
p-retry, randomize: all wait 3 s
async-retry, by default: all wait 3 s
exponential-backoff, full: they differ, none above 3 s
cockatiel, by default: most wait 3 s
tenacity, wait_exponential_jitter: all wait 3 s
tenacity, wait_random_exponential: they differ, none above 3 s
stamina: all wait 3 s
backoff, by default: they differ, none above 3 s
backoff, random_jitter: they differ, some above 3 s
EOF

cat > try.mjs <<'EOF'
import retry from 'retry'
import pRetry from 'p-retry'
import asyncRetry from 'async-retry'
import { backOff } from 'exponential-backoff'
import { ExponentialBackoff, handleAll, retry as policy } from 'cockatiel'

const CLIENTS = 100
const [RETRIES, FIRST_MS, CAP_MS] = [9, 100, 3000]
// Timers fire at once and are written down: nothing here waits.
const fire = globalThis.setTimeout
let waits
globalThis.setTimeout = (call, ms, ...rest) => {
  waits.push(ms ?? 0)
  return fire(call, 0, ...rest)
}
const fail = async () => { throw new Error('refused') }
const common = { retries: RETRIES, minTimeout: FIRST_MS, maxTimeout: CAP_MS }
const kinds = {
  'retry, randomize': () => { waits = retry.timeouts({ ...common, randomize: true }) },
  'p-retry, randomize': () => pRetry(fail, { ...common, randomize: true }),
  'async-retry, by default': () => asyncRetry(fail, common),
  'exponential-backoff, full': () => backOff(fail, { numOfAttempts: RETRIES + 1, startingDelay: FIRST_MS, maxDelay: CAP_MS, jitter: 'full' }),
  'cockatiel, by default': () => policy(handleAll, { maxAttempts: RETRIES, backoff: new ExponentialBackoff({ initialDelay: FIRST_MS, maxDelay: CAP_MS }) }).execute(fail),
}
for (const [name, run] of Object.entries(kinds)) {
  const last = []
  for (let client = 0; client < CLIENTS; client += 1) {
    waits = []
    try { await run() } catch { /* it was to fail */ }
    last.push(waits.at(-1))
  }
  console.log(JSON.stringify([name, last.map((ms) => ms / 1000)]))
}
EOF

cat > try.py <<'EOF'
import json, logging, subprocess, time
import backoff, stamina, tenacity

CLIENTS = 100
TRIES, FIRST_S, CAP_S = 10, 0.1, 3

def refused():
    raise ConnectionError

def by_tenacity(wait):
    return tenacity.retry(wait=wait, stop=tenacity.stop_after_attempt(TRIES), reraise=True, sleep=lambda s: time.sleep(s))

def by_backoff(**options):
    return backoff.on_exception(backoff.expo, ConnectionError, max_tries=TRIES, factor=FIRST_S, max_value=CAP_S, logger=None, **options)

KINDS = {
    "tenacity, wait_exponential_jitter": by_tenacity(tenacity.wait_exponential_jitter(multiplier=FIRST_S, max=CAP_S, jitter=1)),
    "tenacity, wait_random_exponential": by_tenacity(tenacity.wait_random_exponential(multiplier=FIRST_S, max=CAP_S)),
    "stamina": stamina.retry(on=ConnectionError, attempts=TRIES, timeout=None, wait_initial=FIRST_S, wait_max=CAP_S, wait_jitter=1),
    "backoff, by default": by_backoff(),
    "backoff, random_jitter": by_backoff(jitter=backoff.random_jitter),
}

def tell(name, waits):
    capped = sum(abs(wait - CAP_S) < 0.001 for wait in waits)
    if capped > CLIENTS / 2:
        print(f"{name}: {'all' if capped == CLIENTS else 'most'} wait {CAP_S} s")
    else:
        assert len({round(wait, 2) for wait in waits}) > 10, waits
        print(f"{name}: they differ, {'some' if max(waits) > CAP_S else 'none'} above {CAP_S} s")

logging.disable()
for line in subprocess.run(["node", "try.mjs"], capture_output=True, text=True, check=True).stdout.splitlines():
    tell(*json.loads(line))
for name, kind in KINDS.items():
    last = []
    for _ in range(CLIENTS):
        waits = []
        time.sleep = waits.append  # written down: nothing here waits
        try:
            kind(refused)()
        except ConnectionError:
            last.append(waits[-1])
    tell(name, last)
EOF

timeout -k 5 90 venv/bin/python try.py 2> errors | tee seen
diff expected seen && echo "as described"
