// A page in headless Chromium that dials again at once, so that what is seen is the browser's own throttle.
import { chromium } from 'playwright-core'

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
const page = await browser.newPage()
page.on('console', line => console.log(line.text()))
await page.evaluate(
  ([url, subscriptions]) => {
    function connect() {
      const socket = new WebSocket(url)
      socket.onopen = () => subscriptions.forEach(subscription => socket.send(subscription))
      socket.onmessage = message => console.log(message.data)
      socket.onclose = connect
    }
    connect()
  },
  [process.env.ENGINE_URL, process.argv.slice(2)],
)
