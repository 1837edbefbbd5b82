// Where server binaries are kept between runs, and how two callers do not install the same one twice.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Cache folder: SLUICE_CACHE, else `$XDG_CACHE_HOME/sluice/servers`, else `~/.cache/sluice/servers`. */
const CACHE: string =
  process.env['SLUICE_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice', 'servers');

const DOWNLOAD_TRIES = 4;

/**
 * The path `name` under the cache, built once by `build(temporaryFolder)`, which leaves the product in
 * `temporaryFolder/out` (file or folder). Tried again with a pause when it fails, since downloads do.
 */
export async function cached(
  name: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const target = join(CACHE, name);
  if (await exists(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const unlock = await lock(`${target}.lock`);
  try {
    if (await exists(target)) return target;
    for (let attempt = 1; ; attempt++) {
      const folder = await mkdtemp(join(CACHE, 'build-'));
      try {
        await build(folder);
        await rename(join(folder, 'out'), target);
        return target;
      } catch (error) {
        if (attempt === DOWNLOAD_TRIES) throw error;
        await delay(2000 * attempt);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  } finally {
    await unlock();
  }
}

/** Runs a tool to its end. @throws Error with the last lines of its output when it fails */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void =>
      void (output = (output + chunk.toString()).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else
        reject(
          new Error(
            `${file} ${args.slice(0, 3).join(' ')} failed (${code}): ${output.slice(-2000)}`,
          ),
        );
    });
  });
}

/** The full path of an executable, or undefined. */
export function which(name: string, ...extra: string[]): string | undefined {
  const candidates = [
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)),
    ...extra,
  ];
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** True when the path exists. */
async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

// A lock file holds the pid of its owner; one whose owner is dead is moved away by whoever wins the rename.
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => '0'));
    if (owner > 0 && !isAlive(owner)) {
      const aside = `${path}.${randomUUID()}`;
      await rename(path, aside).catch(() => undefined);
      await rm(aside, { force: true });
    }
    await delay(300);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
