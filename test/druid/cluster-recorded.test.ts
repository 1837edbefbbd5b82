// What a Druid 33 cluster answered, asked of our broker and coordinator over HTTP: lookups, inline rows, unions, nested
// queries, joins, errors. Recorded once, see cluster-recorded/README.md.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseInterval } from '../../core/model/interval.ts';
import {
  ask,
  type RecordedAnswer,
  recordedAnswers,
  type RecordedRequest,
  recordedRequests,
} from './cluster-recorded/recorded.ts';
import { difference, GOLDEN, goldenSet, parseExactJson } from './golden-set.ts';
import { goldenZips, type ServedSegments, serveSegments } from './served-segments.ts';

const requests = recordedRequests();
const answers = new Map(recordedAnswers().map((answer) => [answer.name, answer]));

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

/** Where we differ and mean to. */
const ON_PURPOSE: Readonly<Record<string, string>> = {
  'lookups: before anything': 'there is no state before: no lookups is an empty object',
  'lookups: introspect unknown': '404 says more than 405',
  'lookup source unknown': 'an unknown lookup is an error, as everywhere else',
  'inline scan time ordered': 'rows at hand can be sorted',
  'inline search': 'eternity is what a Date can hold',
  'inline bad type': 'a type that is none is refused',
  'scan over scan': 'the types of the columns are known',
  'scan over filtered scan offset': 'the types of the columns are known',
  'join filter not right': 'null is unknown for a comparison, on the right side of a join too',
  'join scan': 'an ordered scan names no segment',
  'join scan all columns': 'an ordered scan names no segment',
  'join RIGHT': 'refused: segments are joined one by one',
  'join FULL': 'refused: segments are joined one by one',
  'join lower-case type': 'enumerations are read in any case',
  'filter source': 'refused by name',
  'join condition on value': 'a lookup can be joined on its values',
};

/** Druid 33 answers 500 to bodies it cannot read; we say 400, as later releases do. */
const isRefusal = (status: number): boolean => status === 400 || status === 500;

test('every recorded request', async () => {
  const failures: string[] = [];
  let [same, refused, onPurpose] = [0, 0, 0];
  for (const request of requests) {
    const theirs = answers.get(request.name);
    const ours = await askOurs(request, theirs);
    const found = different(request, ours, theirs);
    const isOnPurpose = ON_PURPOSE[request.name] !== undefined;
    if (isOnPurpose && found === undefined) failures.push(`${request.name}: no longer differs`);
    else if (isOnPurpose) onPurpose++;
    else if (found !== undefined) failures.push(`${request.name}: ${found}`);
    else if (ours.status === 400) refused++;
    else same++;
  }
  console.log(
    `recorded of Druid 33: ${same} as recorded, ${refused} refused by both, ${onPurpose} differ on purpose, ${failures.length} fail`,
  );
  expect(failures).toEqual([]);
  expect(same).toBeGreaterThan(100);
}, 60_000);

test('a data node asked by itself knows the same lookups and joins the same rows', async () => {
  const set = { name: 'langs', entries: { en: 'English', ru: 'Russian', zh: 'Chinese' } };
  await fetch(`${served.coordinator}/druid/coordinator/v1/lookups/config/__default/${set.name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ lookupExtractorFactory: { type: 'map', map: set.entries } }),
  });
  const known = {
    name: '',
    to: 'broker',
    method: 'GET',
    path: '/druid/v1/lookups/introspect/langs',
  };
  await expect
    .poll(async () => (await ask(known as RecordedRequest, served.historical)).status)
    .toBe(200);
  const wanted = /^(registeredLookup retain|lookup expression filter|join lookup left)$/;
  const failures: string[] = [];
  let asked = 0;
  for (const request of requests.filter(({ name }) => wanted.test(name))) {
    const found = different(
      request,
      await ask(request, served.historical),
      answers.get(request.name),
    );
    if (found !== undefined) failures.push(`${request.name}: ${found}`);
    asked++;
  }
  expect(failures).toEqual([]);
  expect(asked).toBe(3);
}, 30_000);

test('what data nodes may send is limited by the context', async () => {
  const scan = requests.find(({ name }) => name === 'join scan')?.body as object;
  const post = async (most: number): Promise<{ status: number; text: string }> => {
    const body = { ...scan, context: { maxScatterGatherBytes: most } };
    const request = { name: '', to: 'broker', method: 'POST', path: '/druid/v2', body } as const;
    return ask(request, served.broker);
  };
  expect((await post(1_000_000)).status).toBe(200);
  const { status, text } = await post(100);
  expect(status).toBe(400);
  expect(text).toMatch(/"error":"Resource limit exceeded".*maximum\[100\] bytes/);
});

/** A write reaches the broker a moment later. */
async function askOurs(
  request: RecordedRequest,
  theirs: RecordedAnswer | undefined,
): Promise<RecordedAnswer> {
  const server = request.to === 'broker' ? served.broker : served.coordinator;
  for (let tries = 0; ; tries++) {
    const ours = await ask(request, server);
    if (request.method !== 'GET' || ours.status === theirs?.status || tries > 20) return ours;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function different(
  request: RecordedRequest,
  ours: RecordedAnswer,
  theirs: RecordedAnswer | undefined,
): string | undefined {
  if (theirs === undefined) return 'not recorded';
  if (isRefusal(ours.status) && isRefusal(theirs.status)) return refusalProblem(request, ours);
  if (ours.status !== theirs.status)
    return `status ${ours.status}, Druid ${theirs.status}: ${ours.text.slice(0, 400)}`;
  if (ours.status !== 200) return undefined;
  return difference(comparable(request, ours), comparable(request, theirs), '', 0);
}

/** A refusal is an error body that says which field and why. */
function refusalProblem(
  request: RecordedRequest,
  { text, status }: RecordedAnswer,
): string | undefined {
  const body = JSON.parse(text) as { error?: string; errorMessage?: string; category?: string };
  if (status !== 400) return `status ${status}: ${text}`;
  if (request.to === 'coordinator') return body.error === undefined ? text : undefined;
  return body.category === 'INVALID_INPUT' && (body.errorMessage ?? '').length > 10
    ? undefined
    : text;
}

/** Rows of a scan may be cut into elements anywhere; names of lookups come in any order. */
function comparable(request: RecordedRequest, { text }: RecordedAnswer): unknown {
  const value = parseExactJson(text);
  if (request.path.endsWith('/config/__default')) return [...(value as string[])].toSorted();
  const { queryType } = (request.body ?? {}) as { queryType?: string };
  if (queryType !== 'scan' || !Array.isArray(value)) return value;
  const elements = value as { segmentId: string; events: unknown[]; rowSignature: unknown }[];
  return elements.length === 0
    ? []
    : { ...elements[0], events: elements.flatMap(({ events }) => events) };
}
