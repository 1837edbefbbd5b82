// One role of Sluice as a process of its own, as a pod would run it: started by the real command line, watched by its
// log, killed and restarted by the tests. Knows nothing of what is tested.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One line of a role's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

/** A role process that can be started again with the same arguments. */
export class RoleProcess {
  readonly name: string;
  /** Every line since the test began, over restarts. */
  readonly lines: LogLine[] = [];
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  readonly #watchers: Set<(line: LogLine) => void> = new Set();

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#args = args;
    this.#env = env;
  }

  get isRunning(): boolean {
    return (
      this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    );
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const child = spawn(process.execPath, ['cli/sluice.mjs', ...this.#args], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...this.#env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (text) => this.#onLine(text));
  }

  /** SIGKILL, from outside, at once. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Stops the process where it stands, or lets it go on. */
  freeze(isFrozen: boolean): void {
    this.#child?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Kills the process when a line matches, before anything else is done with the line. Resolves with the line. */
  killOn(matches: (line: LogLine) => boolean, timeoutMs: number): Promise<LogLine> {
    return this.#watch(matches, timeoutMs, () => this.#child?.kill('SIGKILL'));
  }

  /** Resolves with the next line that matches. */
  waitFor(matches: (line: LogLine) => boolean, timeoutMs: number): Promise<LogLine> {
    return this.#watch(matches, timeoutMs, () => undefined);
  }

  /** The last lines, for a failure message. */
  tail(count = 15): string {
    return this.lines
      .slice(-count)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  #watch(
    matches: (line: LogLine) => boolean,
    timeoutMs: number,
    act: () => void,
  ): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const watcher = (line: LogLine): void => {
        if (!matches(line)) return;
        act();
        this.#watchers.delete(watcher);
        clearTimeout(timer);
        resolve(line);
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        reject(
          new Error(
            `${this.name} did not log it within ${timeoutMs} ms; last lines:\n${this.tail()}`,
          ),
        );
      }, timeoutMs);
      this.#watchers.add(watcher);
    });
  }

  #onLine(text: string): void {
    let line: LogLine;
    try {
      line = JSON.parse(text) as LogLine;
    } catch {
      line = { message: text, level: 'raw' };
    }
    this.lines.push(line);
    for (const watcher of this.#watchers) watcher(line);
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }
}
