// Starts the real servers that tests and developers need: named by the environment, else in containers where
// an engine answers, else natively from the cache. Fed by global-setup.ts, main.ts and fault tests.

import { hasEngine, startCompose } from './compose.ts';
import { startNative } from './native.ts';
import {
  environmentEndpoint,
  environmentServer,
  SERVER_NAMES,
  type Server,
  type ServerName,
} from './server.ts';

/** What to start. */
export interface ServersOptions {
  /** Default all. */
  readonly want?: readonly ServerName[];
  /** Address the servers listen on; default 127.0.0.1. */
  readonly host?: string;
  /** True for servers of one's own that faults may be injected into: the environment is not looked at. */
  readonly own?: boolean;
}

/** The started servers. */
export interface Servers {
  /** @throws Error when it was not wanted */
  get(name: ServerName): Server;
  /** Stops all and removes their data. */
  stop(): Promise<void>;
}

/** Starts each server by itself and tells for each the server or why it did not start. */
export async function startEach(
  options: ServersOptions = {},
): Promise<ReadonlyMap<ServerName, Server | Error>> {
  const host = options.host ?? '127.0.0.1';
  const started = await Promise.all(
    (options.want ?? SERVER_NAMES).map(async (name): Promise<[ServerName, Server | Error]> => {
      try {
        return [name, await startOne(name, host, options.own === true)];
      } catch (error) {
        return [name, error instanceof Error ? error : new Error(String(error))];
      }
    }),
  );
  return new Map(started);
}

/** Starts all that are wanted. @throws Error when one does not start; the others are stopped then */
export async function startServers(options: ServersOptions = {}): Promise<Servers> {
  const each = await startEach(options);
  const servers = new Map<ServerName, Server>();
  const errors: Error[] = [];
  for (const [name, result] of each) {
    if (result instanceof Error) errors.push(result);
    else servers.set(name, result);
  }
  const stop = async (): Promise<void> => {
    await Promise.all([...servers.values()].map((server) => server.dispose()));
  };
  if (errors.length > 0) {
    await stop();
    throw new AggregateError(errors, errors.map((error) => error.message).join('\n'));
  }
  return {
    get(name) {
      const server = servers.get(name);
      if (server === undefined) throw new Error(`server '${name}' was not asked for`);
      return server;
    },
    stop,
  };
}

async function startOne(name: ServerName, host: string, isOwn: boolean): Promise<Server> {
  if (!isOwn) {
    const endpoint = environmentEndpoint(name);
    if (endpoint !== undefined) return environmentServer(name, endpoint);
  }
  return (await hasEngine()) ? startCompose(name, host) : startNative(name, host);
}
