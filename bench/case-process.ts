// The process of one case. Opens the case named by its first argument with the parameters in the second, then makes one
// pass for each message; ends when its channel closes. Started by rounds.ts.

import { PerformanceObserver } from 'node:perf_hooks';
import type { CaseName, CaseParams, OpenCase, Pass } from './case.ts';
import { open as buildFile } from './cases/build-file.ts';
import { open as indexRecords } from './cases/index-records.ts';
import { open as jsonParse } from './cases/json-parse.ts';
import { open as kafkajsMap } from './cases/kafkajs-map.ts';
import { open as persistIndex } from './cases/persist-index.ts';
import { open as sluiceIngest } from './cases/sluice-ingest.ts';

const CASES: Readonly<Record<CaseName, OpenCase>> = {
  buildFile,
  indexRecords,
  jsonParse,
  kafkajsMap,
  persistIndex,
  sluiceIngest,
};

/** What the process sends for each pass; the first message, with `pass` null, says that the case is open. */
export interface PassMessage {
  readonly pass: Pass | null;
  /** Garbage collections of the main thread during the pass. */
  readonly collections: number;
  readonly peakRssMb: number;
}

const [name = '', params = '{}'] = process.argv.slice(2);
let collections = 0;
new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({
  entryTypes: ['gc'],
});
const opened = await CASES[name as CaseName](JSON.parse(params) as CaseParams);
const send = (pass: Pass | null): void => {
  const peakRssMb = process.resourceUsage().maxRSS / 1024;
  process.send?.({ pass, collections, peakRssMb } satisfies PassMessage);
  collections = 0;
};
process.on('message', () => void opened.pass().then(send));
process.on('disconnect', () => void opened.close().then(() => process.exit()));
send(null);
