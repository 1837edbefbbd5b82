// Keeps the cache of one kind equal to the server: a paged list, then a watch with bookmarks, for ever. Every error is
// recovered from: 410 lists again, anything else keeps the version and backs off. Feeds its ObjectStore.
// Source: operator.md 3.2.1.

import type { Clock } from '../../core/runtime/clock.ts';
import { isFailure, messageOf } from '../../core/runtime/failure.ts';
import type { Logger } from '../../core/runtime/log.ts';
import { classifyAnswer, hasCode } from './classify.ts';
import type { KubeClient } from './client.ts';
import { field, type KubeObject, listAt, textAt, withoutBallast } from './object.ts';
import { apiVersionOf, collectionPath, type Resource } from './resource.ts';
import { ObjectStore } from './store.ts';

/** A page of pods is 34 KB each in memory until it is stripped. */
const PAGE = '250';
const BACKOFF_MIN_MS = 800;
const BACKOFF_MAX_MS = 30_000;
/** A watch this old was healthy: the next trouble starts with the shortest pause. */
const HEALTHY_MS = 120_000;
/** The server sends a bookmark a minute; a stream silent for longer is half open. */
const SILENCE_MS = 90_000;

/** What a reflector follows. */
export interface ReflectorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly resource: Resource;
  /** `''` = all. */
  readonly namespace: string;
  readonly labelSelector?: string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What the cache keeps of an object; default all. */
  readonly keep?: (object: KubeObject) => KubeObject;
  /** Longest time a watch may be silent; default 90 s. */
  readonly silenceMs?: number;
}

/** Counters, for metrics and tests. */
export interface ReflectorFigures {
  readonly lists: number;
  readonly watches: number;
  /** Ms since the server last said anything. */
  readonly silentMs: number;
}

/** The reflector of one kind. */
export class Reflector {
  readonly store: ObjectStore;
  /** Resolves when the first list is in the store. */
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions;
  readonly #query: Readonly<Record<string, string>>;
  readonly #random: () => number;
  #markSynced: () => void = () => undefined;
  #isSynced = false;
  #version = '';
  #lists = 0;
  #watches = 0;
  #heardMs: number;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.store = new ObjectStore(options.keep);
    this.#random = options.random;
    this.#query =
      options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector };
    this.#heardMs = options.clock.monotonicMs();
    this.synced = new Promise((resolve) => (this.#markSynced = resolve));
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  figures(): ReflectorFigures {
    return {
      lists: this.#lists,
      watches: this.#watches,
      silentMs: this.#options.clock.monotonicMs() - this.#heardMs,
    };
  }

  /** Follows until the signal aborts. Never rejects but for a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, resource } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      try {
        if (this.#version === '') await this.#list(signal);
        await this.#watch(signal);
        // The server ended the watch at its time; the next one goes on from the same version.
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isFailure(error, 'bug')) throw error;
        if (hasCode(error, 'Expired', 'Gone')) {
          this.#version = '';
          failures = 0;
          continue;
        }
        if (clock.monotonicMs() - startedMs > HEALTHY_MS) failures = 0;
        failures++;
        // Before the first list it is likely a missing CRD or right; later, a watch that ends is normal.
        const note = { kind: resource.kind, error: messageOf(error) };
        if (this.#isSynced) log.debug('watch interrupted', note);
        else log.warn('objects cannot be listed; trying again', note);
        const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 6));
        // Full jitter above the least pause, so that replicas do not come back together.
        await clock.sleep(
          BACKOFF_MIN_MS / 2 + this.#random() * (ceiling - BACKOFF_MIN_MS / 2),
          signal,
        );
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, namespace } = this.#options;
    const objects: KubeObject[] = [];
    const { keep = (object) => object } = this.#options;
    let token = '';
    let version = '';
    this.#lists++;
    do {
      const page = await client.call(
        {
          method: 'GET',
          path: collectionPath(resource, namespace),
          query: { ...this.#query, limit: PAGE, ...(token === '' ? {} : { continue: token }) },
        },
        signal,
      );
      for (const item of listAt(page, 'items'))
        objects.push(keep(withoutBallast(this.#named(item))));
      token = textAt(page, 'metadata', 'continue');
      version = textAt(page, 'metadata', 'resourceVersion');
    } while (token !== '');
    if (signal.aborted) return;
    this.store.replace(objects);
    this.#version = version;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#isSynced = true;
    this.#markSynced();
  }

  /** Items of a list carry neither apiVersion nor kind; those of a watch do. */
  #named(item: unknown): KubeObject {
    const { resource } = this.#options;
    return { ...(item as KubeObject), apiVersion: apiVersionOf(resource), kind: resource.kind };
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, clock, resource, namespace } = this.#options;
    const silence = new AbortController();
    const ended = AbortSignal.any([signal, silence.signal]);
    this.#watches++;
    this.#heardMs = clock.monotonicMs();
    void this.#guard(silence, ended);
    const request = {
      method: 'GET' as const,
      path: collectionPath(resource, namespace),
      query: {
        ...this.#query,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: this.#version,
        // Between five and ten minutes, so that watches of many processes do not end together.
        timeoutSeconds: String(300 + Math.floor(this.#random() * 300)),
      },
    };
    try {
      for await (const event of client.stream(request, ended)) {
        this.#heardMs = clock.monotonicMs();
        this.#apply(event);
      }
    } finally {
      silence.abort();
    }
  }

  /** Ends the watch when nothing was heard for too long. */
  async #guard(silence: AbortController, ended: AbortSignal): Promise<void> {
    const { clock, silenceMs = SILENCE_MS } = this.#options;
    while (!ended.aborted) {
      const leftMs = this.#heardMs + silenceMs - clock.monotonicMs();
      if (leftMs <= 0) return silence.abort();
      await clock.sleep(leftMs, ended);
    }
  }

  #apply(event: unknown): void {
    const type = textAt(event, 'type');
    const object = field(event, 'object');
    if (type === 'ERROR') throw errorOf(object, this.#options.resource.kind);
    const version = textAt(object, 'metadata', 'resourceVersion');
    if (type === 'ADDED' || type === 'MODIFIED') this.store.put(this.#named(object));
    else if (type === 'DELETED') {
      const { namespace, name } = this.#named(object).metadata;
      this.store.delete(namespace === undefined ? name : `${namespace}/${name}`);
    }
    if (version !== '') this.#version = version;
  }
}

function errorOf(status: unknown, kind: string): Error {
  return classifyAnswer(`watch ${kind}`, Number(field(status, 'code') ?? 500), status);
}
