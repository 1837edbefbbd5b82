// Which command runs. Exit codes: 0 done, 1 failed, 2 wrong use. Results go to stdout, everything else to stderr.

import { isFailure, messageOf } from '../core/runtime/failure.ts';
import { USAGE, UsageError } from './usage.ts';

type Command = (args: readonly string[]) => Promise<number>;

/** Loaded when run: `segment dump` needs no Kafka client, and loading all of them takes a second. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  local: async () => (await import('./commands/local.ts')).runLocal,
  operator: async () => (await import('./commands/roles.ts')).runOperatorCommand,
  ingest: async () => (await import('./commands/roles.ts')).runIngestCommand,
  historical: async () => (await import('./commands/roles.ts')).runHistoricalCommand,
  broker: async () => (await import('./commands/roles.ts')).runBrokerCommand,
  validate: async () => (await import('./commands/validate.ts')).runValidate,
  delete: async () => (await import('./commands/delete.ts')).runDelete,
  query: async () => (await import('./commands/query.ts')).runQueryCommand,
  trial: async () => (await import('./commands/trial.ts')).runTrialCommand,
  segment: async () => (await import('./commands/segment.ts')).runSegment,
};

/** Runs a command line; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(USAGE);
    return name === '' ? 2 : 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    process.stderr.write(`sluice: unknown command '${name}'\n\n${USAGE}`);
    return 2;
  }
  try {
    const command = await load();
    return await command(rest);
  } catch (error) {
    if (error instanceof UsageError || isParseArgsError(error)) {
      process.stderr.write(`sluice ${name}: ${messageOf(error)}\n\n${USAGE}`);
      return 2;
    }
    const code = isFailure(error) ? `${error.code}: ` : '';
    process.stderr.write(`sluice ${name}: ${code}${messageOf(error)}\n`);
    if (!isFailure(error) && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return 1;
  }
}

function isParseArgsError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_PARSE_ARGS')
  );
}
