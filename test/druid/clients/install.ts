// Clients of Druid from their registries, installed once into the cache folder at fixed versions. Used by
// ../clients.test.ts.

import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const INSTALL_MS = 240_000;

/** Packages of npm; their own dependencies float. */
const NPM = ['plywood@0.33.3', 'plywood-druid-requester@3.0.2', 'druid-query@2.2.1'];
/** Packages of PyPI. */
const PYPI = ['pydruid==0.6.9'];

/** Where the clients are. */
export interface InstalledClients {
  /** Folder that holds node_modules. */
  readonly npm: string;
  readonly python: string;
}

/** Installs what is not in the cache yet. Rejects when a registry cannot be reached or Python is missing. */
export async function installClients(): Promise<InstalledClients> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const name = [...NPM, ...PYPI].join('+').replaceAll(/[^\w.+-]/g, '-');
  const home = join(cache, 'sluice', 'druid-clients', name);
  const installed = { npm: home, python: join(home, 'python', 'bin', 'python') };
  if (await exists(join(home, 'complete'))) return installed;
  const fresh = `${home}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  await writeFile(join(fresh, 'package.json'), '{"private":true}');
  const npm = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...NPM];
  await execute('npm', npm, { cwd: fresh, timeout: INSTALL_MS });
  await rm(home, { recursive: true, force: true });
  await rename(fresh, home);
  // An environment knows its own path: it is made where it stays.
  await execute('python3', ['-m', 'venv', join(home, 'python')], { timeout: INSTALL_MS });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PYPI];
  await execute(installed.python, pip, { timeout: INSTALL_MS });
  await writeFile(join(home, 'complete'), '');
  return installed;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
