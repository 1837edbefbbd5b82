// What workers say of themselves over HTTP: conditions and lag. Asked in passes, for the status of the resource and so
// that a roll waits for a worker that catches up. A worker that does not answer says nothing: its pod's readiness counts.

import { field, type KubeObject, listAt, textAt } from '../../kube/object.ts';
import type { WorkerReport } from '../../plan/status-plan.ts';

/** Asks a worker at `host:port` for its status. Rejects when there is no answer. */
export type AskWorker = (address: string, signal: AbortSignal) => Promise<unknown>;

const PORT = 8084;
const TIMEOUT_MS = 2000;

/** Reports by pod name. */
export async function workerReports(
  pods: readonly KubeObject[],
  ask: AskWorker,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, WorkerReport>> {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return askPods(staying, async (address, limit) => readReport(await ask(address, limit)), signal);
}

/** Answers of all that answer in time, by pod name; a pod without an address is not asked. */
export async function askPods<T>(
  pods: readonly KubeObject[],
  ask: (address: string, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, T>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const found = await Promise.all(
    pods.map(async (pod): Promise<readonly (readonly [string, T])[]> => {
      const address = textAt(pod, 'status', 'podIP');
      if (address === '') return [];
      const host = address.includes(':') ? `[${address}]` : address;
      try {
        return [[pod.metadata.name, await ask(`${host}:${PORT}`, limit)]];
      } catch {
        return [];
      }
    }),
  );
  return new Map(found.flat());
}

function readReport(answer: unknown): WorkerReport {
  const wrong = listAt(answer, 'conditions').filter((c) => field(c, 'isTrue') === false);
  const lag = field(answer, 'progress', 'lagRecords');
  return {
    lagRecords: typeof lag === 'number' ? lag : 0,
    troubles: wrong.map((c) => ({ reason: textAt(c, 'reason'), message: textAt(c, 'message') })),
  };
}
