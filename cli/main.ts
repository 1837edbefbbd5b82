// Which command runs. Exit codes: 0 done, 1 failed, 2 wrong use. Results go to stdout, everything else to stderr.

import { isFailure, messageOf } from '../core/runtime/failure.ts';
import { runLocal } from './commands/local.ts';
import { runQueryCommand } from './commands/query.ts';
import {
  runBrokerCommand,
  runHistoricalCommand,
  runIngestCommand,
  runOperatorCommand,
} from './commands/roles.ts';
import { runSegment } from './commands/segment.ts';
import { runValidate } from './commands/validate.ts';
import { USAGE, UsageError } from './usage.ts';

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  local: runLocal,
  operator: runOperatorCommand,
  ingest: runIngestCommand,
  historical: runHistoricalCommand,
  broker: runBrokerCommand,
  validate: runValidate,
  query: runQueryCommand,
  segment: runSegment,
};

/** Runs a command line; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(USAGE);
    return name === '' ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`sluice: unknown command '${name}'\n\n${USAGE}`);
    return 2;
  }
  try {
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
