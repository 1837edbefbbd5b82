// Keys that need a pass: each once, one in flight a key, three priorities, delayed adds, backoff a key. Fed by watch
// events and timers; drained by the workers of `run`. Source: operator.md 3.2.3, 1.2.3.

import type { Clock } from '../../core/runtime/clock.ts';

/** Who asked: a user's change goes before a child's event, both before the resync. */
const PRIORITIES = ['user', 'child', 'resync'] as const;
/** One of {@link PRIORITIES}. */
export type Priority = (typeof PRIORITIES)[number];

/** What a pass over a key came to. */
export type PassResult =
  /** Look again after this time; the backoff starts anew. */
  | { readonly kind: 'done'; readonly againMs: number }
  /** Look again after the backoff. */
  | { readonly kind: 'failed' }
  /** There is nothing to look at any more. */
  | { readonly kind: 'gone' };

const BACKOFF_MIN_MS = 5;
const BACKOFF_MAX_MS = 1_000_000;
/** A key is looked at no more often than this, whoever asks: a floor under event storms. */
const FLOOR_MS = 100;

/** Options of a queue. */
export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Longest backoff, ms; default 1000 s. */
  readonly backoffMaxMs?: number;
  /** Hears what happens, for metrics. */
  readonly observer?: QueueObserver;
}

/** What a queue tells of itself. */
export interface QueueObserver {
  added(priority: Priority): void;
  retried(): void;
  /** A pass begins over a key that waited this long. */
  waited(ms: number): void;
}

interface KeyState {
  failures: number;
  isActive: boolean;
  /** Asked for while active: goes in again when the pass ends. */
  isDirty: boolean;
  priority: Priority | undefined;
  timer: AbortController | undefined;
  dueMs: number;
  endedMs: number;
  /** When it became ready for a worker, and when its pass began. */
  readyMs: number;
  begunMs: number;
}

/** The queue. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #random: () => number;
  readonly #states: Map<string, KeyState> = new Map();
  readonly #ready: Record<Priority, Set<string>> = {
    user: new Set(),
    child: new Set(),
    resync: new Set(),
  };
  #wake: (() => void)[] = [];
  #passes = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return PRIORITIES.reduce((sum, priority) => sum + this.#ready[priority].size, 0);
  }

  /** Passes begun. */
  get passes(): number {
    return this.#passes;
  }

  /** Age of the oldest pass under way, ms; 0 without one. */
  get longestMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    let longest = 0;
    for (const { isActive, begunMs } of this.#states.values())
      if (isActive) longest = Math.max(longest, nowMs - begunMs);
    return longest;
  }

  /** Asks for a pass now. A pending delay gives way to it. */
  add(key: string, priority: Priority): void {
    const state = this.#state(key);
    this.#options.observer?.added(priority);
    state.timer?.abort();
    state.timer = undefined;
    if (state.isActive) {
      state.isDirty = true;
      state.priority = higher(state.priority, priority);
      return;
    }
    if (state.priority !== undefined) this.#ready[state.priority].delete(key);
    state.priority = higher(state.priority, priority);
    const waitMs = state.endedMs + FLOOR_MS - this.#options.clock.monotonicMs();
    if (waitMs > 0 && priority !== 'user') return this.addAfter(key, waitMs, state.priority);
    this.#offer(key, state, state.priority);
  }

  /** Asks for a pass after `ms`; the soonest of several wins. */
  addAfter(key: string, ms: number, priority: Priority): void {
    const { clock } = this.#options;
    const state = this.#state(key);
    const dueMs = clock.monotonicMs() + ms;
    if (state.timer !== undefined && state.dueMs <= dueMs) return;
    state.timer?.abort();
    const timer = new AbortController();
    state.timer = timer;
    state.dueMs = dueMs;
    void clock.sleep(ms, timer.signal).then(() => {
      if (timer.signal.aborted || state.timer !== timer) return;
      state.timer = undefined;
      this.#release(key, state, priority);
    });
  }

  /**
   * Works with `parallel` workers until the signal aborts; resolves when the passes in flight have ended. `pass` must
   * not reject but for bugs.
   */
  async run(
    parallel: number,
    pass: (key: string) => Promise<PassResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const wakeAll = (): void => {
      const wake = this.#wake;
      this.#wake = [];
      for (const one of wake) one();
    };
    signal.addEventListener('abort', wakeAll);
    const worker = async (): Promise<void> => {
      while (!signal.aborted) {
        const key = this.#take();
        if (key === undefined) await new Promise<void>((resolve) => this.#wake.push(resolve));
        else await this.#work(key, pass);
      }
    };
    try {
      await Promise.all(Array.from({ length: parallel }, worker));
    } finally {
      signal.removeEventListener('abort', wakeAll);
      for (const state of this.#states.values()) {
        state.timer?.abort();
        state.timer = undefined;
      }
    }
  }

  async #work(key: string, pass: (key: string) => Promise<PassResult>): Promise<void> {
    const state = this.#state(key);
    state.isActive = true;
    state.begunMs = this.#options.clock.monotonicMs();
    this.#options.observer?.waited(state.begunMs - state.readyMs);
    this.#passes++;
    const result = await pass(key);
    state.isActive = false;
    state.endedMs = this.#options.clock.monotonicMs();
    const wanted = state.priority;
    state.priority = undefined;
    if (result.kind === 'failed') {
      state.failures++;
      this.#options.observer?.retried();
      state.isDirty = false;
      // What was asked meanwhile waits for the backoff as well, unless a person asked.
      if (wanted === 'user') return this.add(key, 'user');
      return this.addAfter(key, this.#backoffMs(state.failures), 'resync');
    }
    state.failures = 0;
    if (result.kind === 'gone' && !state.isDirty) return this.#forget(key);
    if (result.kind === 'gone') return this.#again(key, state, wanted);
    if (!state.isDirty) return this.addAfter(key, result.againMs, 'resync');
    this.#again(key, state, wanted);
  }

  #again(key: string, state: KeyState, wanted: Priority | undefined): void {
    state.isDirty = false;
    this.add(key, wanted ?? 'child');
  }

  #forget(key: string): void {
    this.#states.get(key)?.timer?.abort();
    this.#states.delete(key);
  }

  #release(key: string, state: KeyState, priority: Priority): void {
    if (state.isActive) {
      state.isDirty = true;
      state.priority = higher(state.priority, priority);
      return;
    }
    state.priority = higher(state.priority, priority);
    this.#offer(key, state, state.priority);
  }

  #offer(key: string, state: KeyState, priority: Priority): void {
    if (!this.#ready[priority].has(key)) state.readyMs = this.#options.clock.monotonicMs();
    this.#ready[priority].add(key);
    this.#wake.shift()?.();
  }

  #take(): string | undefined {
    for (const priority of PRIORITIES) {
      for (const key of this.#ready[priority]) {
        this.#ready[priority].delete(key);
        this.#state(key).priority = undefined;
        return key;
      }
    }
    return undefined;
  }

  #state(key: string): KeyState {
    let state = this.#states.get(key);
    if (state === undefined) {
      state = {
        failures: 0,
        isActive: false,
        isDirty: false,
        priority: undefined,
        timer: undefined,
        dueMs: 0,
        endedMs: -Infinity,
        readyMs: 0,
        begunMs: 0,
      };
      this.#states.set(key, state);
    }
    return state;
  }

  #backoffMs(failures: number): number {
    const { backoffMaxMs = BACKOFF_MAX_MS } = this.#options;
    const fullMs = Math.min(backoffMaxMs, BACKOFF_MIN_MS * 2 ** Math.min(failures, 30));
    return fullMs / 2 + (this.#random() * fullMs) / 2;
  }
}

function higher(a: Priority | undefined, b: Priority): Priority {
  return a !== undefined && PRIORITIES.indexOf(a) < PRIORITIES.indexOf(b) ? a : b;
}
