import { expect, test } from 'vitest';
import { type ManualClock, manualClock } from '../../core/runtime/clock.ts';
import { NO_LOG } from '../../core/runtime/log.ts';
import { createKubeClient, type KubeRequest } from './client.ts';
import { Reflector } from './reflector.ts';
import type { Resource } from './resource.ts';

const PODS: Resource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods' };

/** What the scripted server answers, one a request: a status and lines; `open` keeps the stream open. */
interface Scripted {
  readonly status?: number;
  readonly lines: readonly string[];
  readonly isOpen?: boolean;
}

function pod(name: string, version: number): object {
  return { metadata: { namespace: 'n', name, resourceVersion: String(version) } };
}
function list(version: number, ...items: readonly object[]): Scripted {
  return { lines: [JSON.stringify({ metadata: { resourceVersion: String(version) }, items })] };
}
function event(type: string, object: object): string {
  return JSON.stringify({ type, object });
}

function follow(script: readonly Scripted[]): {
  readonly clock: ManualClock;
  readonly reflector: Reflector;
  readonly asked: KubeRequest[];
  stop(): Promise<void>;
} {
  const clock = manualClock();
  const asked: KubeRequest[] = [];
  const client = createKubeClient({
    clock,
    transport: async (request, signal) => {
      const {
        status = 200,
        lines,
        isOpen = false,
      } = script[asked.length] ?? { lines: [], isOpen: true };
      asked.push(request);
      return {
        status,
        headers: {},
        body: (async function* () {
          for (const line of lines) yield Buffer.from(line);
          if (isOpen)
            await new Promise((_, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason)),
            );
        })(),
      };
    },
  });
  const reflector = new Reflector({
    client,
    clock,
    log: NO_LOG,
    resource: PODS,
    namespace: '',
    random: () => 0.5,
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  return {
    clock,
    reflector,
    asked,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

test('lists in pages, then watches from the version of the list, with bookmarks', async () => {
  const { clock, reflector, asked, stop } = follow([
    {
      lines: [
        JSON.stringify({
          metadata: { resourceVersion: '5', continue: 'more' },
          items: [pod('a', 1)],
        }),
      ],
    },
    list(5, pod('b', 2)),
  ]);
  await clock.advance(0);
  expect(reflector.store.keys()).toEqual(['n/a', 'n/b']);
  expect(asked.map(({ query }) => query?.['continue'] ?? query?.['watch'])).toEqual([
    undefined,
    'more',
    'true',
  ]);
  expect(asked[2]?.query).toMatchObject({
    resourceVersion: '5',
    allowWatchBookmarks: 'true',
    timeoutSeconds: '450',
  });
  await stop();
});

test('follows events and bookmarks; goes on from the last version when the watch ends', async () => {
  const { clock, reflector, asked, stop } = follow([
    list(5, pod('a', 1)),
    {
      lines: [
        `${event('ADDED', pod('b', 6))}\n${event('MODIFIED', pod('a', 7))}\n`,
        `${event('DELETED', pod('b', 8))}\n${event('BOOKMARK', { metadata: { resourceVersion: '90' } })}\n`,
      ],
    },
  ]);
  await clock.advance(0);
  expect(reflector.store.keys()).toEqual(['n/a']);
  expect(reflector.store.get('n/a')?.metadata.resourceVersion).toBe('7');
  expect(asked[2]?.query?.['resourceVersion']).toBe('90');
  await stop();
});

test('410 lists again, and what was deleted unseen leaves the cache', async () => {
  const gone = event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
  const { clock, reflector, stop } = follow([
    list(5, pod('a', 1), pod('b', 2)),
    { lines: [`${gone}\n`] },
    list(9, pod('b', 2), pod('c', 8)),
  ]);
  const seen: string[] = [];
  reflector.store.onChange(({ key, before, after }) =>
    seen.push(`${key} ${before ? 1 : 0}${after ? 1 : 0}`),
  );
  await clock.advance(0);
  expect(reflector.store.keys()).toEqual(['n/b', 'n/c']);
  expect(seen).toEqual(['n/a 01', 'n/b 01', 'n/a 10', 'n/c 01']);
  expect(reflector.figures().lists).toBe(2);
  await stop();
});

test.each([
  ['429', { status: 429, lines: ['{}'] }],
  ['500', { status: 500, lines: ['{}'] }],
  ['401', { status: 401, lines: ['{}'] }],
  ['403', { status: 403, lines: ['{}'] }],
  ['a line that is cut', { lines: [`${event('ADDED', pod('b', 6)).slice(0, 20)}\n`] }],
])('%s: watches again after a pause, without listing', async (_, trouble) => {
  const { clock, reflector, asked, stop } = follow([
    list(5, pod('a', 1)),
    trouble,
    { lines: [`${event('ADDED', pod('c', 7))}\n`], isOpen: true },
  ]);
  await clock.advance(0);
  expect(asked).toHaveLength(2);
  await clock.advance(1000);
  expect(reflector.store.keys()).toEqual(['n/a', 'n/c']);
  expect(reflector.figures().lists).toBe(1);
  await stop();
});

test('a stream that is silent for longer than bookmarks come is opened again', async () => {
  const { clock, asked, reflector, stop } = follow([
    list(5),
    { lines: [], isOpen: true },
    { lines: [], isOpen: true },
  ]);
  await clock.advance(89_000);
  expect(asked).toHaveLength(2);
  expect(reflector.figures().silentMs).toBe(89_000);
  await clock.advance(3000);
  expect(asked).toHaveLength(3);
  await stop();
});

test('the cache keeps neither managedFields nor last-applied', async () => {
  const heavy = {
    metadata: {
      name: 'a',
      namespace: 'n',
      resourceVersion: '1',
      managedFields: [{}],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'x', mine: 'y' },
    },
  };
  const { clock, reflector, stop } = follow([list(5, heavy)]);
  await clock.advance(0);
  expect(reflector.store.get('n/a')).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'n', resourceVersion: '1', annotations: { mine: 'y' } },
  });
  await stop();
});
