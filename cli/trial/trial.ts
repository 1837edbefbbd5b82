// One trial of an installation: topic, rows, resource, exact answer, and all of it gone again. What it works on is lent
// by the command, so that its order and what it says of each failure are tested without a cluster.

import type { Clock } from '../../core/runtime/clock.ts';
import { Failure, isFailure, messageOf } from '../../core/runtime/failure.ts';
import { TRIAL_TOTALS, type Totals } from './trial-resource.ts';

const POLL_MS = 500;
/** Longer than the drain of the trial's worker. */
const CLEAN_UP_MS = 90_000;

/** Where a trial runs. Failures are those of the adapters behind it. */
export interface TrialTarget {
  /** Name of topic, resource and data source. */
  readonly name: string;
  totals(signal: AbortSignal): Promise<Totals>;
  /** Makes the topic and sends the rows. */
  produce(): Promise<void>;
  createResource(signal: AbortSignal): Promise<void>;
  /** Conditions of the resource; undefined when it is gone. */
  conditions(signal: AbortSignal): Promise<readonly TrialCondition[] | undefined>;
  deleteResource(signal: AbortSignal): Promise<void>;
  deleteTopic(): Promise<void>;
}

/** A condition as the API server has it. */
export interface TrialCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Runs the trial; what it made is removed whatever happens. @throws Failure TrialFailed, or of the step that failed */
export async function runTrial(
  target: TrialTarget,
  around: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly say: (line: string) => void;
  },
): Promise<void> {
  const { clock, say, signal } = around;
  const untilMs = clock.monotonicMs() + around.timeoutMs;
  await until('the broker answers', async () => (await target.totals(signal)) && 'answers');
  say('the broker answers');
  try {
    await target.produce();
    say(`topic ${target.name}: ${TRIAL_TOTALS.rows} rows are produced`);
    await target.createResource(signal);
    say(`RealtimeIngestion ${target.name} is created`);
    await until(`${TRIAL_TOTALS.rows} rows are counted`, counted, explained);
    say(`the broker counts ${TRIAL_TOTALS.rows} rows with the right sum`);
  } catch (error) {
    await cleanUp().catch((more: unknown) => say(`clean-up: ${messageOf(more)}`));
    throw error;
  }
  await cleanUp();
  say('resource, rows and topic are removed');

  /** Asks until there is an answer; without one in time fails with what was seen last. */
  async function until(
    what: string,
    ask: () => Promise<string | undefined>,
    explain: () => Promise<string> = () => Promise.resolve(''),
  ): Promise<void> {
    let trouble = '';
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      try {
        if ((await ask()) !== undefined) return;
        trouble = '';
      } catch (error) {
        if (!isFailure(error, 'transient') || error.code === 'TrialFailed') throw error;
        trouble = `; last: ${error.message}`;
      }
      await clock.sleep(POLL_MS, signal);
    }
    const why = signal.aborted ? 'was stopped' : `did not happen in ${around.timeoutMs / 1000} s`;
    throw failed(`${what}: ${why}${trouble}${await explain()}`);
  }

  async function counted(): Promise<string | undefined> {
    const { rows, sum } = await target.totals(signal);
    if (rows > TRIAL_TOTALS.rows)
      throw failed(`the broker counts ${rows} rows of ${TRIAL_TOTALS.rows}: some twice`);
    if (rows === TRIAL_TOTALS.rows) {
      if (sum === TRIAL_TOTALS.sum) return 'counted';
      throw failed(`${rows} rows are counted, with the sum ${sum} and not ${TRIAL_TOTALS.sum}`);
    }
    const invalid = (await target.conditions(signal))?.find(
      ({ type, status }) => type === 'SpecValid' && status === 'False',
    );
    if (invalid !== undefined) throw failed(`the operator refuses: ${invalid.message}`);
    return undefined;
  }

  async function explained(): Promise<string> {
    const asked = AbortSignal.timeout(CLEAN_UP_MS);
    const { rows } = await target.totals(asked).catch(() => ({ rows: 'unknown' }));
    const conditions = (await target.conditions(asked).catch(() => undefined)) ?? [];
    const text = conditions.map((c) => `${c.type}=${c.status} ${c.reason}: ${c.message}`);
    const none = 'none yet (is the operator running, and does it serve this namespace?)';
    return `; rows counted: ${rows}; conditions: ${text.join(' | ') || none}`;
  }

  /** Not by the caller's signal: it ends the trial, not what it left. */
  async function cleanUp(): Promise<void> {
    const limit = AbortSignal.timeout(CLEAN_UP_MS);
    const endMs = clock.monotonicMs() + CLEAN_UP_MS;
    try {
      await target.deleteResource(limit);
      while ((await target.conditions(limit)) !== undefined) {
        if (clock.monotonicMs() >= endMs)
          throw failed(
            `RealtimeIngestion ${target.name} is deleted and still there after ${CLEAN_UP_MS / 1000} s; look at the operator's log`,
          );
        await clock.sleep(POLL_MS, limit);
      }
    } finally {
      await target.deleteTopic();
    }
  }
}

function failed(text: string): Failure {
  return new Failure('transient', 'TrialFailed', text);
}
