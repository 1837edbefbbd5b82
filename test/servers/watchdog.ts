// Ends the servers of a process that died without stopping them (SIGKILL included). It reads lines
// `+<pid>`, `-<pid>` and `rm <folder>` on stdin; at end of input it kills the pids and removes the folders.

import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const pids = new Set<number>();
const folders = new Set<string>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('+')) pids.add(Number(line.slice(1)));
  if (line.startsWith('-')) pids.delete(Number(line.slice(1)));
  if (line.startsWith('rm ')) folders.add(line.slice(3));
}
for (const pid of pids) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it had ended already
  }
}
for (const folder of folders)
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
