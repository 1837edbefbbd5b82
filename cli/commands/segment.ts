// `sluice segment build|dump|validate|query`: segment folders on the command line.

import { parseArgs } from 'node:util';
import { dumpSegment } from '../../worker/segment/dump.ts';
import { validateSegment } from '../../worker/segment/validate.ts';
import { buildFromFile } from '../segment/build.ts';
import { readBuildSpec, readInterval } from '../segment/build-spec.ts';
import { querySegments } from '../segment/query.ts';
import { UsageError } from '../usage.ts';
import { readTextFile } from '../text-file.ts';

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  build: runBuild,
  dump: runDump,
  validate: runValidateSegment,
  query: runSegmentQuery,
};

/** Picks the sub-command. */
export function runSegment(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new UsageError(
      `'${name}' is none of its commands; use ${Object.keys(COMMANDS).join(', ')}`,
    );
  return command(rest);
}

/** Prints one JSON object about the segment; bad records go to stderr. */
async function runBuild(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      spec: { type: 'string' },
      input: { type: 'string' },
      out: { type: 'string' },
      interval: { type: 'string' },
    },
  });
  const { spec, input, out, interval } = values;
  if (spec === undefined || input === undefined || out === undefined)
    throw new UsageError('build: give --spec FILE, --input FILE and --out DIR');
  const read = readBuildSpec(spec);
  const { samples, ...report } = await buildFromFile(
    interval === undefined ? read : { ...read, interval: readInterval(interval, '--interval') },
    input,
    out,
  );
  for (const sample of samples) process.stderr.write(`${JSON.stringify(sample)}\n`);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return 0;
}

async function runDump(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rows: { type: 'boolean', default: false } },
  });
  for await (const line of dumpSegment(oneDir(positionals), { rows: values.rows }))
    await write(`${line}\n`);
  return 0;
}

async function runValidateSegment(args: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
  const verdict = await validateSegment(oneDir(positionals));
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
  return verdict.ok ? 0 : 1;
}

async function runSegmentQuery(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { file: { type: 'string', short: 'f' } },
  });
  if (positionals.length === 0) throw new UsageError('query: give at least one segment folder');
  const { text, isComplete } = await querySegments(positionals, readQueries(values.file));
  await write(`${text}\n`);
  return isComplete ? 0 : 1;
}

function oneDir(positionals: readonly string[]): string {
  const [dir] = positionals;
  if (dir === undefined || positionals.length > 1) throw new UsageError('give one segment folder');
  return dir;
}

function readQueries(file: string | undefined): string {
  return readTextFile(file ?? 0, `-f ${file ?? 'standard input'}:`, 'give a file of queries');
}

/** Waits while a pipe is full, so that a long dump does not pile up in memory. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
