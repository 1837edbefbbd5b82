// `sluice query`: posts a native query and prints the answer.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Failure, messageOf } from '../../core/runtime/failure.ts';

/** Exit code 1 when the server answers with an error, which is printed. */
export async function runQueryCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f' },
      url: { type: 'string', default: 'http://localhost:8082' },
    },
  });
  const body = readFileSync(values.file ?? 0, 'utf8');
  const url = new URL('/druid/v2/?pretty', values.url);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  }).catch((error: unknown) => {
    throw new Failure(
      'transient',
      'ServerUnavailable',
      `--url ${values.url}: no answer (${messageOf(error)}); is a broker running there?`,
      error,
    );
  });
  (response.ok ? process.stdout : process.stderr).write(`${await response.text()}\n`);
  return response.ok ? 0 : 1;
}
