// The connections file as it is now. A mounted Secret changes under a running process; what is read from it when a server
// is asked to authenticate follows a rotation without a restart. Used by connections.ts.

import { readFileSync } from 'node:fs';
import { Failure, messageOf } from '../core/runtime/failure.ts';
import { type Connections, readConnections } from '../core/spec/connections.ts';

/**
 * Reads the file now and at each call of what it returns. Once it was right, a file that is not (it is being replaced, or
 * somebody erred) leaves the last good content in force.
 *
 * @throws Failure `config` ConnectionsInvalid, FileUnreadable, when the file is wrong from the start
 */
export function followConnections(file: string): () => Connections {
  let text = readText(file);
  let last = readConnections(text, file);
  return () => {
    try {
      const now = readText(file);
      if (now === text) return last;
      // Judged once: a wrong text is not parsed again at each call.
      text = now;
      last = readConnections(now, file);
    } catch {
      // The servers refuse credentials that are out of date, and say so.
    }
    return last;
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(
      'config',
      'FileUnreadable',
      `SLUICE_CONNECTIONS: ${file} cannot be read (${messageOf(error)}); mount the Secret with the key connections.yaml`,
      error,
    );
  }
}
