// What a Druid 33 cluster answered, asked of our broker and coordinator over HTTP: lookups, inline rows, unions, nested
// queries, joins, errors. Recorded once, see cluster-recorded/README.md.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseInterval } from '../../core/model/interval.ts';
import {
  answersFile,
  ask,
  type RecordedAnswer,
  type RecordedRequest,
  requestsFile,
} from './cluster-recorded/recorded.ts';
import { difference, GOLDEN, goldenSet, parseExactJson } from './golden-set.ts';
import { goldenZips, type ServedSegments, serveSegments } from './served-segments.ts';

const requests = JSON.parse(readFileSync(requestsFile, 'utf8')) as RecordedRequest[];
const answers = new Map(
  (JSON.parse(readFileSync(answersFile, 'utf8')) as RecordedAnswer[]).map((a) => [a.name, a]),
);

let served: ServedSegments;

beforeAll(async () => {
  const tiny = {
    zip: join(GOLDEN, 'tiny', 'segment-0.zip'),
    id: {
      dataSource: 's71',
      interval: parseInterval('2024-01-01/2024-01-02'),
      version: 'v1',
      partition: 0,
    },
    bytesMax: 1e6,
  };
  served = await serveSegments([...goldenZips([goldenSet('tutorial')]), tiny]);
}, 60_000);
afterAll(() => served.close());

test('every recorded request', async () => {
  const failures: string[] = [];
  let same = 0;
  for (const request of requests) {
    const recorded = answers.get(request.name);
    const ours = await ask(request, request.to === 'broker' ? served.broker : served.broker);
    const found = different(ours, recorded);
    if (found === undefined) same++;
    else failures.push(`${request.name}: ${found}`);
  }
  console.log(failures.join('\n'), same);
  expect(failures).toEqual([]);
});

function different(ours: RecordedAnswer, theirs: RecordedAnswer | undefined): string | undefined {
  if (theirs === undefined) return 'not recorded';
  if (ours.status !== theirs.status)
    return `status ${ours.status}, Druid ${theirs.status}: ${ours.text.slice(0, 400)}`;
  if (ours.status !== 200) return undefined;
  return difference(parseExactJson(ours.text), parseExactJson(theirs.text), '', 0);
}
