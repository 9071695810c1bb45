import { WebSocket } from 'ws';

/** A typical client: it pings, gives up a dead link, and comes back. */
export function listen(url, got) {
  let over = false;
  let link;
  const dial = () => {
    if (over) return;
    link = new WebSocket(url, { perMessageDeflate: false });
    let alive = true;
    const pulse = setInterval(() => {
      if (!alive) return link.terminate();
      alive = false;
      if (link.readyState === WebSocket.OPEN) link.ping();
    }, 100);
    link.on('pong', () => (alive = true));
    link.on('message', (data) => got(String(data)));
    link.on('error', () => {});
    link.on('close', () => {
      clearInterval(pulse);
      setTimeout(dial, 20);
    });
  };
  dial();
  return () => {
    over = true;
    link.terminate();
  };
}
