// A TCP proxy in front of a server, for faults of the network alone: the server lives on while its client is
// cut off or hears nothing.

import { connect, createServer, type Socket } from 'node:net';
import { freePorts } from './ports.ts';

/** The network between a client and a server. */
export interface TcpProxy {
  /** `host:port` to connect to. */
  readonly address: string;
  /** Ends all connections and refuses new ones (true), or lets them through again (false). */
  cut(isCut: boolean): void;
  /** Keeps connections open but passes nothing on in either direction, or goes on where it stopped. */
  stall(isStalled: boolean): void;
  close(): Promise<void>;
}

/** Starts a proxy to `host:port`. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const colon = target.lastIndexOf(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  let isStalled = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.slice(colon + 1)), target.slice(0, colon));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      if (isStalled) from.pause();
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const [port = 0] = await freePorts('127.0.0.1', 1);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${port}`,
    cut(value) {
      isCut = value;
      if (value) destroyAll();
    },
    stall(value) {
      isStalled = value;
      for (const socket of sockets) {
        if (value) socket.pause();
        else socket.resume();
      }
    },
    close() {
      destroyAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
