// One server process and its life: spawned in its own session (a Ctrl-C of the terminal does not reach it),
// known to the watchdog, logged to a file, ended by its exact pid.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let watchdog: ChildProcess | undefined;

/** Tells the watchdog of this process something; starts it at first use. */
export function tellWatchdog(line: string): void {
  if (watchdog === undefined) {
    const script = fileURLToPath(new URL('./watchdog.ts', import.meta.url));
    watchdog = spawn(process.execPath, [script], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    watchdog.unref();
    watchdog.on('error', () => undefined);
    watchdog.stdin?.on('error', () => undefined);
    const pipe: unknown = watchdog.stdin;
    // A pipe is a socket here; it must not keep the process alive.
    if (
      typeof pipe === 'object' &&
      pipe !== null &&
      'unref' in pipe &&
      typeof pipe.unref === 'function'
    )
      pipe.unref();
  }
  watchdog.stdin?.write(`${line}\n`);
}

/** How to run a server. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A started process. */
export interface Child {
  readonly pid: number;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone (and reaped). */
  readonly ended: Promise<void>;
  /** Last lines of its log. */
  tail(): string;
}

/** Spawns a server. @throws Error when the file cannot be run */
export async function spawnChild(command: Command): Promise<Child> {
  const log = openSync(command.logFile, 'a');
  const child = spawn(command.file, command.args, {
    stdio: ['ignore', log, log],
    detached: true,
    env: { ...process.env, ...command.env },
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const pid = child.pid ?? 0;
  child.unref();
  tellWatchdog(`+${pid}`);
  let isRunning = true;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isRunning = false;
      tellWatchdog(`-${pid}`);
      resolve();
    });
  });
  return {
    pid,
    ended,
    isRunning: () => isRunning && !isZombie(pid),
    signal: (signal) => void (isRunning && child.kill(signal)),
    tail: () => readFileSync(command.logFile, 'utf8').split('\n').slice(-20).join('\n'),
  };
}

/** Waits for `ended`, with SIGKILL after `graceMs`. */
export async function endChild(
  child: Child,
  first: NodeJS.Signals,
  graceMs = 10_000,
): Promise<void> {
  child.signal('SIGCONT');
  child.signal(first);
  const timer = setTimeout(() => child.signal('SIGKILL'), graceMs);
  await child.ended;
  clearTimeout(timer);
}

// A killed process whose parent is slow to reap still answers signal 0: the state tells.
function isZombie(pid: number): boolean {
  try {
    return /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
