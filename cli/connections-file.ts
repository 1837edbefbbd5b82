// The connections file as it is now. A mounted Secret changes under a running process; what is read from it when a server
// is asked to authenticate follows a rotation without a restart. Used by connections.ts.

import { type Connections, readConnections } from '../core/spec/connections.ts';
import { readTextFile } from './text-file.ts';

/**
 * Reads the file now and at each call of what it returns. Once it was right, a file that is not (it is being replaced, or
 * somebody erred) leaves the last good content in force.
 *
 * @throws Failure `config` ConnectionsInvalid, FileUnreadable, when the file is wrong from the start
 */
export function followConnections(file: string): () => Connections {
  const read = (): string =>
    readTextFile(
      file,
      `SLUICE_CONNECTIONS: ${file}`,
      'mount the Secret with the key connections.yaml',
    );
  let text = read();
  let last = readConnections(text, file);
  return () => {
    try {
      const now = read();
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
