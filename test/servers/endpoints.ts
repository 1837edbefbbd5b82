// How a suite gets at a real server: the one that global-setup.ts shares, or one of its own when it injects
// faults or runs without the global setup. A server that is absent skips the suite with its reason.

import { inject } from 'vitest';
import './global-setup.ts';
import type { Endpoint, Server, ServerName } from './server.ts';
import { startServers, type Servers } from './servers.ts';

/** A server for one suite. */
export interface ServerForSuite {
  readonly endpoint: Endpoint;
  /** Releases it: stops it when it was started for this suite only. */
  release(): Promise<void>;
}

/**
 * The shared server, or one started for this file when the run has no global setup.
 *
 * @returns the reason as a string when the global setup could not start it (never with CI=true)
 */
export async function serverForSuite(name: ServerName): Promise<ServerForSuite | string> {
  const provided = inject('servers')?.[name];
  if (provided !== undefined) {
    return 'reason' in provided
      ? provided.reason
      : { endpoint: provided.endpoint, release: () => Promise.resolve() };
  }
  return tryStart(name, false, (server, servers) => ({
    endpoint: server.endpoint,
    release: servers.stop,
  }));
}

/** A server that only this suite uses, so that it may be killed. A reason as with {@link serverForSuite}. */
export async function ownServer(name: ServerName): Promise<Server | string> {
  return tryStart(name, true, (server) => server);
}

async function tryStart<T>(
  name: ServerName,
  own: boolean,
  use: (server: Server, servers: Servers) => T,
): Promise<T | string> {
  try {
    const servers = await startServers({ want: [name], own });
    return use(servers.get(name), servers);
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return `${name} did not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}
