// Trials against targets in memory: what is said and removed when an installation works, and when it does not.

import { describe, expect, test } from 'vitest';
import { systemClock } from '../../core/runtime/clock.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { runTrial, type TrialCondition, type TrialTarget } from './trial.ts';
import {
  totalsOf,
  TRIAL_PARTITIONS,
  TRIAL_TOTALS,
  type Totals,
  trialRecords,
  trialResource,
} from './trial-resource.ts';

const NONE: Totals = { rows: 0, sum: 0 };

/** An installation that counts the rows `counts(asked)` once they are produced and its resource is there. */
function installation(
  counts: (asked: number) => Totals,
  conditions: readonly TrialCondition[] = [],
): TrialTarget & { readonly left: Set<string> } {
  const left = new Set<string>();
  let asked = 0;
  return {
    left,
    name: 'sluice-trial-1',
    totals: async () => (left.size === 2 ? counts(asked++) : NONE),
    produce: async () => void left.add('topic'),
    createResource: async () => void left.add('resource'),
    conditions: async () => (left.has('resource') ? conditions : undefined),
    deleteResource: async () => void left.delete('resource'),
    deleteTopic: async () => void left.delete('topic'),
  };
}

async function outcome(target: TrialTarget, timeoutMs = 3000): Promise<readonly string[]> {
  const said: string[] = [];
  const signal = new AbortController().signal;
  const around = { clock: systemClock, timeoutMs, signal, say: (line: string) => said.push(line) };
  await runTrial(target, around).catch((error: unknown) => {
    expect(error).toBeInstanceOf(Failure);
    said.push(`failed: ${String(error)}`);
  });
  return said;
}

describe('a trial', () => {
  test('waits for the exact answer, and leaves nothing', async () => {
    const target = installation((asked) => (asked === 0 ? { rows: 400, sum: 1 } : TRIAL_TOTALS));
    expect(await outcome(target)).toEqual([
      'the broker answers',
      'topic sluice-trial-1: 1000 rows are produced',
      'RealtimeIngestion sluice-trial-1 is created',
      'the broker counts 1000 rows with the right sum',
      'resource, rows and topic are removed',
    ]);
    expect(target.left.size).toBe(0);
  });

  test.each<[string, TrialTarget & { readonly left: Set<string> }, RegExp]>([
    [
      'rows that are missing',
      installation(
        () => ({ rows: 999, sum: 5 }),
        [{ type: 'Ready', status: 'False', reason: 'KafkaDenied', message: 'check ACLs' }],
      ),
      /rows counted: 999; conditions: Ready=False KafkaDenied: check ACLs/,
    ],
    ['an operator that is silent', installation(() => NONE), /is the operator running/],
    ['rows that count twice', installation(() => ({ rows: 1001, sum: 0 })), /1001 rows of 1000/],
    ['other rows', installation(() => ({ rows: 1000, sum: 7 })), /the sum 7 and not 500500/],
    [
      'a refused resource',
      installation(
        () => NONE,
        [{ type: 'SpecValid', status: 'False', reason: 'SpecInvalid', message: 'spec.x: is y' }],
      ),
      /the operator refuses: spec\.x: is y/,
    ],
  ])('tells %s, and leaves nothing', async (_, target, message) => {
    expect((await outcome(target, 700)).at(-1)).toMatch(message);
    expect(target.left.size).toBe(0);
  });

  test('that cannot produce makes no resource, and still removes its topic', async () => {
    const target = installation(() => NONE);
    const denied = new Failure('config', 'KafkaDenied', 'create topic: check ACLs');
    const broken = {
      ...target,
      produce: async () => {
        target.left.add('topic');
        throw denied;
      },
    };
    expect(await outcome(broken)).toEqual([
      'the broker answers',
      'failed: Failure: create topic: check ACLs',
    ]);
    expect(target.left.size).toBe(0);
  });
});

describe('what a trial ingests', () => {
  test('adds up to what is expected', () => {
    const rows = trialRecords().map(({ value }) => JSON.parse(String(value)) as { value: number });
    expect(rows.length).toBe(TRIAL_TOTALS.rows);
    expect(rows.reduce((sum, row) => sum + row.value, 0)).toBe(TRIAL_TOTALS.sum);
    expect(new Set(trialRecords().map((r) => r.partition)).size).toBe(TRIAL_PARTITIONS);
    expect(totalsOf([])).toEqual(NONE);
    expect(totalsOf([{ result: TRIAL_TOTALS }])).toEqual(TRIAL_TOTALS);
  });

  test('is a valid resource, and names the value of the chart where it is not', () => {
    const at = { namespace: 'ns', name: 'sluice-trial-1' };
    const sasl = {
      mechanism: 'scram-sha-512',
      usernameSecret: { name: 'kafka', key: 'user' },
      passwordSecret: { name: 'kafka', key: 'password' },
    };
    const { spec } = trialResource(at, { bootstrapServers: ['kafka:9092'], sasl });
    expect(spec).toMatchObject({
      dataSource: at.name,
      source: { kafka: { topic: at.name, sasl } },
      deletionPolicy: 'Purge',
    });
    expect(() => trialResource(at, { bootstrapServers: ['http://kafka'] })).toThrow(
      /tests\.kafka.*bootstrapServers/,
    );
  });
});
