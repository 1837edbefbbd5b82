// vitest globalSetup: starts the servers once for the whole run and hands their endpoints to the suites
// (`endpoints.ts`). With CI=true a server that does not start fails the run; else its suites are skipped with
// the reason. SLUICE_TEST_SERVERS names the ones wanted (comma-separated, empty = none); default all.

import type { TestProject } from 'vitest/node';
import { type Endpoint, SERVER_NAMES, type Server, type ServerName } from './server.ts';
import { startEach } from './servers.ts';

/** What a suite is told of a server: its endpoint, or why there is none. */
export type Provided = { readonly endpoint: Endpoint } | { readonly reason: string };

declare module 'vitest' {
  export interface ProvidedContext {
    servers: Partial<Record<ServerName, Provided>>;
  }
}

/** Called by vitest before the first suite; the returned function after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const wanted = process.env['SLUICE_TEST_SERVERS'];
  const want = SERVER_NAMES.filter(
    (name) => wanted === undefined || wanted.split(',').includes(name),
  );
  const each = await startEach({ want });
  const running: Server[] = [];
  const provided: Partial<Record<ServerName, Provided>> = {};
  const reasons: string[] = [];
  for (const [name, result] of each) {
    if (result instanceof Error) {
      reasons.push(`${name} did not start: ${result.message}`);
      provided[name] = { reason: `${name} did not start: ${result.message}` };
    } else {
      running.push(result);
      provided[name] = { endpoint: result.endpoint };
    }
  }
  const teardown = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.dispose()));
  };
  for (const reason of reasons) console.error(reason);
  if (reasons.length > 0 && process.env['CI'] === 'true') {
    await teardown();
    throw new Error(reasons.join('\n'));
  }
  project.provide('servers', provided);
  return teardown;
}
