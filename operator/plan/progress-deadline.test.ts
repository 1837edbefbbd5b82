import { expect, test } from 'vitest';
import type { StatusCondition, Verdict, Verdicts } from '../api/conditions.ts';
import type { KubeObject } from '../kube/object.ts';
import { type DeadlineInput, STUCK, withDeadline } from './progress-deadline.ts';

const at = (ms: number): string => new Date(ms).toISOString();
const verdict = (status: Verdict['status'], reason: string): Verdict => ({
  status,
  reason,
  message: 'm',
});
const verdicts = (progressing: Verdict): Verdicts => {
  const other = verdict('True', 'Other');
  return {
    Ready: other,
    Progressing: progressing,
    Degraded: other,
    SpecValid: other,
    AssignmentComplete: other,
    SourceReachable: other,
    Paused: other,
  };
};
const stored = (v: Verdict, ms: number, observedGeneration = 1): StatusCondition => ({
  ...v,
  type: 'Progressing',
  observedGeneration,
  lastTransitionTime: at(ms),
});
const pod = (createdMs: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', creationTimestamp: at(createdMs) },
});
const judge = (now: Verdict, input: Partial<DeadlineInput>): Verdict =>
  withDeadline(verdicts(now), {
    previous: [],
    generation: 1,
    nowMs: 100_000,
    deadlineMs: 10_000,
    pods: [],
    unready: [],
    ...input,
  }).Progressing;

const changing = verdict('True', 'Changing');
const done = verdict('False', 'UpToDate');

test('a change that stands still for longer than its deadline is told', () => {
  expect(judge(changing, { previous: [stored(changing, 95_000)] })).toEqual(changing);
  expect(judge(changing, { previous: [stored(changing, 80_000)] })).toMatchObject({
    status: 'False',
    reason: STUCK,
  });
});

test('a step of a pod gives the change its time anew; a new generation does too', () => {
  const previous = [stored(changing, 10_000)];
  expect(judge(changing, { previous, pods: [pod(95_000)] })).toEqual(changing);
  expect(judge(changing, { previous, pods: [pod(50_000)] })).toMatchObject({ reason: STUCK });
  const stuck = [stored(verdict('False', STUCK), 50_000)];
  expect(judge(changing, { previous: stuck, pods: [pod(99_000)] })).toMatchObject({
    reason: STUCK,
  });
  expect(judge(changing, { previous: stuck, generation: 2 })).toEqual(changing);
});

test('a change ends when its workers are ready; a worker that is lost later is none', () => {
  const unready = ['p'];
  expect(judge(done, { previous: [stored(changing, 95_000)], unready })).toMatchObject({
    status: 'True',
    reason: 'Changing',
  });
  expect(judge(done, { previous: [stored(changing, 95_000)] })).toEqual(done);
  expect(judge(done, { previous: [stored(done, 95_000)], unready })).toEqual(done);
  // Begun between two writes of status: another generation, or a pod made since.
  const changes = { status: 'True', reason: 'Changing' };
  expect(judge(done, { previous: [stored(done, 95_000)], unready, generation: 2 })).toMatchObject(
    changes,
  );
  expect(
    judge(done, { previous: [stored(done, 95_000)], unready, pods: [pod(97_000)] }),
  ).toMatchObject(changes);
});

test('waiting for other ingestions is no standstill', () => {
  const waiting = verdict('True', 'WaitingForOthers');
  expect(judge(waiting, { previous: [stored(waiting, 10_000)] })).toEqual(waiting);
});
