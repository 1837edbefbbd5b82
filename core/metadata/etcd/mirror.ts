// A mirror over an etcd watch stream of our own: list, watch from the next revision, and after an outage watch
// on from where the copy stands, or list again when the history is compacted. Nothing that is still true is
// missed; the library's own resume is not used.

import type { Etcd3, IWatchResponse } from 'etcd3';
import type { Clock } from '../../runtime/clock.ts';
import { isFailure } from '../../runtime/failure.ts';
import { backoffMs } from '../../runtime/retry.ts';
import { createMirrorState, type MirrorEvent, type MirrorState } from '../mirror-state.ts';
import type { Change, Mirror, Versioned } from '../port.ts';
import { type KeySpace, rangeEnd, toVersioned } from './wire.ts';

// The server is asked for its progress once a second, oftener while somebody waits for the copy to catch up;
// without any answer for three seconds the stream counts as dead.
const PROGRESS_MS = 1000;
const HURRY_MS = 50;
const SILENCE_MAX_MS = 3000;
const RECONNECT = { attempts: Infinity, delayMs: 50, delayMaxMs: 1000 };

/** What a mirror needs of its store. */
export interface MirrorSource {
  readonly client: Etcd3;
  readonly space: KeySpace;
  readonly clock: Clock;
  readonly list: (prefix: string) => Promise<{ entries: readonly Versioned[]; revision: number }>;
}

type WatchStream = Awaited<ReturnType<Etcd3['watchClient']['watch']>>;

/** Starts the copy. */
export function startMirror(
  source: MirrorSource,
  prefix: string,
  onChange: (changes: readonly Change[]) => void,
): Mirror {
  const closed = new AbortController();
  let stream: WatchStream | undefined;
  const state = createMirrorState(onChange, {
    clock: source.clock,
    onClose: () => closed.abort(),
    onBehind: () => void hurry(),
  });
  void run();
  return state.mirror;

  // A server answers a request for progress only once the watch has caught up, so it is asked again.
  async function hurry(): Promise<void> {
    while (state.isAwaited && !closed.signal.aborted) {
      stream?.write({ progress_request: {} });
      await source.clock.sleep(HURRY_MS, closed.signal);
    }
  }

  async function run(): Promise<void> {
    let isListed = false;
    let isRefused = false;
    for (let failures = 0; !closed.signal.aborted;) {
      try {
        if (!isListed) {
          const { entries, revision } = await source.list(prefix);
          state.replace(entries, revision);
          isListed = true;
        }
        // Only an answer to a call, never one to a stream, makes the library replace a token that is over.
        if (isRefused) await source.client.kv.range({ key: source.space.toBytes(prefix) });
        stream = await source.client.watchClient.watch();
        const end = await follow(source, prefix, state, {
          stream,
          closed: closed.signal,
          onAnswer: () => (failures = 0),
        });
        if (end === 'history-lost') isListed = false;
        isRefused = end === 'refused';
      } catch (error) {
        // A programmer's error (in onChange, say) must not look like an outage.
        if (isFailure(error, 'bug') || isFailure(error, 'corrupt')) throw error;
      }
      stream = undefined;
      state.setConnected(false);
      await source.clock.sleep(backoffMs(RECONNECT, ++failures), closed.signal);
    }
  }
}

interface Following {
  readonly stream: WatchStream;
  readonly closed: AbortSignal;
  readonly onAnswer: () => void;
}

type End = 'ended' | 'history-lost' | 'refused';

/**
 * Feeds the copy until the stream ends. `history-lost`: the revisions to follow are compacted away; `refused`: the server
 * ended the watch, as it does when it does not know who asks.
 */
async function follow(
  source: MirrorSource,
  prefix: string,
  state: MirrorState,
  following: Following,
): Promise<End> {
  const { stream, closed } = following;
  const { clock, space } = source;
  const { promise: ended, resolve } = Promise.withResolvers<End>();
  const over = new AbortController();
  let answeredMs = clock.monotonicMs();
  stream.on('data', (response: IWatchResponse) => {
    answeredMs = clock.monotonicMs();
    following.onAnswer();
    // A store restored from a backup may stand behind us: its history is not ours.
    const wentBack = response.created && Number(response.header.revision) < state.mirror.revision();
    if (response.canceled || wentBack)
      return resolve(
        Number(response.compact_revision) > 0 || wentBack ? 'history-lost' : 'refused',
      );
    state.setConnected(true);
    feed(response, state, space);
  });
  stream.on('error', () => resolve('ended'));
  stream.on('end', () => resolve('ended'));
  closed.addEventListener('abort', () => resolve('ended'), { once: true });
  const key = space.toBytes(prefix);
  stream.write({
    create_request: { key, range_end: rangeEnd(key), start_revision: state.mirror.revision() + 1 },
  });
  void heartbeat();
  try {
    return await ended;
  } finally {
    over.abort();
    stream.cancel();
  }

  async function heartbeat(): Promise<void> {
    for (;;) {
      await clock.sleep(PROGRESS_MS, over.signal);
      if (over.signal.aborted) return;
      if (clock.monotonicMs() - answeredMs > SILENCE_MAX_MS) return resolve('ended');
      stream.write({ progress_request: {} });
    }
  }
}

function feed(response: IWatchResponse, state: MirrorState, space: KeySpace): void {
  if (response.created) return;
  if (response.events.length === 0) {
    // Progress: everything up to the header's revision has been delivered.
    state.apply([], Number(response.header.revision));
    return;
  }
  let revision = 0;
  const events = response.events.map((event): MirrorEvent => {
    revision = Math.max(revision, Number(event.kv.mod_revision));
    // proto-loader gives enums as their names.
    const isPut = String(event.type).toUpperCase() === 'PUT';
    return {
      key: space.toKey(event.kv.key),
      entry: isPut ? toVersioned(event.kv, space) : undefined,
    };
  });
  state.apply(events, revision);
}
