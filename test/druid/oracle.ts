// Apache Druid itself as the judge of segments and answers: one `oracle batch` process kept open, spoken to in
// lines. Built by Maven from test/druid/oracle into the cache folder on first use. Used by tests only; see
// test/druid/oracle/README.md for its commands.

import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What a command printed, and its exit code: 0, or 2 for a defect found. */
export interface OracleAnswer {
  readonly exit: number;
  readonly out: string;
}

/** An open oracle. */
export interface Oracle {
  /** Runs one command, e.g. `['validate', dir]`. Commands run one after the other. */
  run(words: readonly string[]): Promise<OracleAnswer>;
  close(): Promise<void>;
}

const execute = promisify(execFile);
const SOURCES = fileURLToPath(new URL('oracle/', import.meta.url));
const BUILD_WAIT_MS = 600_000;

/**
 * Why the oracle cannot be used here, or undefined. With `CI=true` a missing Java or Maven is an error instead:
 * there the comparison with Druid must run.
 */
export async function oracleMissing(): Promise<string | undefined> {
  for (const [tool, flag] of [
    ['java', '-version'],
    ['mvn', '-version'],
  ] as const) {
    try {
      await execute(tool, [flag]);
    } catch {
      const reason = `${tool} is not installed: comparison with Apache Druid skipped`;
      if (process.env['CI'] === 'true') throw new Error(reason);
      return reason;
    }
  }
  return undefined;
}

/** Releases of Druid: 33 with the sketch extension, which 37 has not published. */
type Release = '37' | '33';

/** How an oracle is opened. */
interface OracleOptions {
  /** Replaces the settings of its virtual machine, which favour a short start. */
  readonly jvm?: string;
  /** Default 37. */
  readonly release?: Release;
}

/** Opens the oracle; builds it first if the cache does not hold this version of it. */
export async function openOracle({ jvm, release = '37' }: OracleOptions = {}): Promise<Oracle> {
  const home = await built(release);
  const env = jvm === undefined ? process.env : { ...process.env, ORACLE_JVM: jvm };
  const child = spawn(join(home, 'oracle'), ['batch'], { stdio: ['pipe', 'pipe', 'inherit'], env });
  return new OpenOracle(child);
}

class OpenOracle implements Oracle {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #waiting: { resolve: (answer: OracleAnswer) => void; reject: (error: Error) => void }[] =
    [];
  readonly #exited: Promise<void>;

  constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => {
      const answer = JSON.parse(line) as OracleAnswer;
      this.#waiting.shift()?.resolve(answer);
    });
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        for (const { reject } of this.#waiting.splice(0))
          reject(new Error(`the oracle exited: ${code}`));
        resolve();
      });
    });
  }

  run(words: readonly string[]): Promise<OracleAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify(words)}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
    this.#lines.close();
  }
}

/** The folder of the built oracle, named by its sources, so that a change builds anew beside the old. */
async function built(release: Release): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const root = join(cache, 'sluice', 'druid-oracle');
  await mkdir(root, { recursive: true });
  const name = await fingerprint();
  const wait = { timeout: BUILD_WAIT_MS };
  if (release === '37') {
    return once(join(root, name), (cwd) =>
      execute('mvn', ['-B', '-q', 'compile'], { ...wait, cwd }),
    );
  }
  const home = await once(join(root, `${name}-33`), (cwd) =>
    execute('bash', ['for-33.sh'], { ...wait, cwd }),
  );
  return join(home, 'druid33');
}

/** Makes the folder from the sources by `compile`, unless it is there. */
async function once(home: string, compile: (work: string) => Promise<unknown>): Promise<string> {
  if (await exists(join(home, 'built'))) return home;
  const lock = `${home}.lock`;
  const deadline = Date.now() + BUILD_WAIT_MS;
  // mkdir is atomic: one process builds, the others wait for its result.
  while (!(await claim(lock))) {
    if (await exists(join(home, 'built'))) return home;
    if (Date.now() > deadline)
      throw new Error(`${lock} is held for too long; remove it if no build runs`);
    await sleep(500);
  }
  try {
    if (await exists(join(home, 'built'))) return home;
    const work = `${home}.work`;
    await rm(work, { recursive: true, force: true });
    await cp(SOURCES, work, { recursive: true });
    await compile(work);
    await writeFile(join(work, 'built'), '');
    await rm(home, { recursive: true, force: true });
    await rename(work, home);
    return home;
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function claim(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    // A lock left by a build that was killed is older than any build may take.
    const age = await stat(lock).then(
      (s) => Date.now() - s.mtimeMs,
      () => 0,
    );
    if (age > BUILD_WAIT_MS) await rm(lock, { recursive: true, force: true });
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of [
    'pom.xml',
    'oracle',
    ...(await readdir(join(SOURCES, 'src'))).map((n) => `src/${n}`),
  ]) {
    hash.update(name).update(await readFile(join(SOURCES, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
