// Free ports below the range the kernel gives to outgoing connections, so that a port stays ours while its
// server is down in a fault test.

import { createServer } from 'node:net';

const FIRST = 15_000;
const LAST = 29_999;

/** `count` distinct ports that nothing listens on at `host`. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (!ports.includes(port) && (await isFree(host, port))) ports.push(port);
  }
  return ports;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
