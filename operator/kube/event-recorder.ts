// Events of an object, one a cause: the same reason and text is the same Event object, counted up. Written beside the
// work and never waited for by it; one that cannot be written is logged. Source: operator.md 2.5, B23.

import { createHash } from 'node:crypto';
import type { Clock } from '../../core/runtime/clock.ts';
import { messageOf } from '../../core/runtime/failure.ts';
import type { Logger } from '../../core/runtime/log.ts';
import { hasCode } from './classify.ts';
import type { KubeClient } from './client.ts';
import { microTime } from './lease-election.ts';
import type { KubeObject } from './object.ts';
import { collectionPath, objectPath, type Resource } from './resource.ts';

const EVENTS: Resource = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
};
/** Causes remembered; the oldest is forgotten first. */
const CAUSES_MAX = 4096;
/** After this many of one cause its count is written at most once in {@link QUIET_MS}. */
const BURST = 25;
const QUIET_MS = 300_000;
const WRITE_MS = 10_000;
const NOTE_MAX = 1024;

/** What happened. The text of one cause never changes: no numbers, addresses or times in it. */
export interface EventText {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What was done: `Create`, `Delete`, `Validate`. */
  readonly action: string;
  readonly note: string;
}

interface Cause {
  count: number;
  writtenMs: number;
}

/** Records events. */
export class EventRecorder {
  readonly #options: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly log: Logger;
    readonly controller: string;
    readonly instance: string;
  };
  readonly #causes: Map<string, Cause> = new Map();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly log: Logger;
    readonly controller: string;
    readonly instance: string;
  }) {
    this.#options = options;
  }

  /** Records an event of `object`; returns at once. */
  record(object: KubeObject, text: EventText): void {
    const { clock } = this.#options;
    const id = createHash('sha256')
      .update(`${object.metadata.uid}\n${text.reason}\n${text.note}`)
      .digest('hex')
      .slice(0, 16);
    const cause = this.#causes.get(id) ?? { count: 0, writtenMs: -Infinity };
    this.#causes.delete(id);
    this.#causes.set(id, cause);
    for (const oldest of this.#causes.keys()) {
      if (this.#causes.size <= CAUSES_MAX) break;
      this.#causes.delete(oldest);
    }
    cause.count++;
    const isQuiet = cause.count > BURST && clock.monotonicMs() - cause.writtenMs < QUIET_MS;
    if (isQuiet) return;
    cause.writtenMs = clock.monotonicMs();
    const { count } = cause;
    this.#writing = this.#writing
      .then(() => this.#write(object, text, `${object.metadata.name}.${id}`, count))
      .catch((error: unknown) =>
        this.#options.log.warn('an event could not be written', {
          reason: text.reason,
          error: messageOf(error),
        }),
      );
  }

  /** Resolves when what was recorded so far is written. */
  flush(): Promise<void> {
    return this.#writing;
  }

  async #write(object: KubeObject, text: EventText, name: string, count: number): Promise<void> {
    const { client, clock } = this.#options;
    const signal = AbortSignal.timeout(WRITE_MS);
    const namespace = object.metadata.namespace ?? 'default';
    const seen = microTime(clock.nowMs());
    const series = { count: Math.max(2, count), lastObservedTime: seen };
    if (count > 1) {
      try {
        const path = objectPath(EVENTS, { namespace, name });
        const contentType = 'application/merge-patch+json';
        await client.call({ method: 'PATCH', path, contentType, body: { series } }, signal);
        return;
      } catch (error) {
        // It expired: the next lines make it anew.
        if (!hasCode(error, 'NotFound')) throw error;
      }
    }
    try {
      const path = collectionPath(EVENTS, namespace);
      const body = this.#body(object, text, name, seen);
      await client.call({ method: 'POST', path, body }, signal);
    } catch (error) {
      // Made by the operator before us: the cause goes on, so does its count.
      if (!hasCode(error, 'AlreadyExists')) throw error;
      const path = objectPath(EVENTS, { namespace, name });
      const contentType = 'application/merge-patch+json';
      await client.call({ method: 'PATCH', path, contentType, body: { series } }, signal);
    }
  }

  #body(object: KubeObject, text: EventText, name: string, seen: string): unknown {
    const { controller, instance } = this.#options;
    const { namespace, uid, resourceVersion } = object.metadata;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: namespace ?? 'default', name },
      eventTime: seen,
      reportingController: controller,
      reportingInstance: instance,
      action: text.action,
      reason: text.reason,
      regarding: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        namespace,
        name: object.metadata.name,
        uid,
        resourceVersion,
      },
      note: text.note.slice(0, NOTE_MAX),
      type: text.type,
    };
  }
}
