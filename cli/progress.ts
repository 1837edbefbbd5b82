// The progress view of `sluice local`: one line on a terminal, rewritten every second; nothing in a pipe.

import type { Operator } from '../operator/main.ts';
import type { IngestWorker } from '../worker/roles/ingest/ingest-role.ts';

const EVERY_MS = 1000;

/** The running roles, as the progress view sees them. */
export interface LocalRoles {
  readonly operator: Operator;
  readonly workers: ReadonlySet<IngestWorker>;
  readonly brokerPort: number;
}

/** Starts the view; the returned function ends it. */
export function showProgress(roles: LocalRoles): () => void {
  if (!process.stdout.isTTY) return () => undefined;
  let lastRows = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const line = progressLine(roles, lastRows, (now - lastMs) / 1000);
    lastRows = rowsOf(roles);
    lastMs = now;
    process.stdout.write(`\r\u001b[2K${line.slice(0, (process.stdout.columns ?? 120) - 1)}`);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    process.stdout.write('\n');
  };
}

function rowsOf(roles: LocalRoles): number {
  let rows = 0;
  for (const worker of roles.workers) {
    const { counts } = worker.progress();
    rows += (counts['processed'] ?? 0) + (counts['processedWithError/field'] ?? 0);
  }
  return rows;
}

/** Rows, rate, lag, rejected records, segments by phase, and the first condition that is not well. */
function progressLine(roles: LocalRoles, lastRows: number, seconds: number): string {
  const rows = rowsOf(roles);
  const figures = [...roles.workers].map((worker) => worker.progress());
  const sum = (pick: (p: (typeof figures)[number]) => number): number =>
    figures.reduce((total, p) => total + pick(p), 0);
  const all = sum((p) => Object.values(p.counts).reduce((a, b) => a + b, 0));
  const { published, available } = roles.operator.phases();
  const wrong = roles.operator
    .conditions()
    .flatMap((i) => i.conditions.filter((c) => !c.isTrue))[0];
  return [
    `${rows} rows`,
    `${Math.round(Math.max(0, rows - lastRows) / Math.max(seconds, 0.001))}/s`,
    `lag ${sum((p) => p.lagRecords)}`,
    `rejected ${all - rows}`,
    `segments: ${sum((p) => p.realtime)} realtime, ${published} published, ${available} available`,
    ...(wrong === undefined ? [] : [`${wrong.reason}: ${wrong.message}`]),
  ].join(' | ');
}
