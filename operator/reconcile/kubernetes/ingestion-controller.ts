// One pass over one resource: read all, compute what is wanted, write the difference, say so in status. No branch on
// what kind of event led here, nothing needed that only memory holds. Fed by the queue of kubernetes-operator.ts.
// Source: operator.md 1.2, B1, B10, B20.

import { Failure } from '../../../core/runtime/failure.ts';
import type { CompiledIngestion } from '../../../core/spec/compiled.ts';
import { conditionsOf, type StatusCondition, type Verdicts } from '../../api/conditions.ts';
import { ANNOTATIONS, FINALIZER, selectorLabels, selectorText } from '../../api/names.ts';
import { hasCode } from '../../kube/classify.ts';
import { field, type KubeObject, listAt, textAt } from '../../kube/object.ts';
import type { PassResult } from '../../kube/work-queue.ts';
import { troubleOf } from '../../plan/observed-pod.ts';
import {
  type Findings,
  type Trouble,
  type WorkerReport,
  pausedVerdicts,
  unready,
  verdictsOf,
  workerCounts,
} from '../../plan/status-plan.ts';
import { ownerOf } from '../../plan/wanted-object.ts';
import type { WantedChildren } from '../../plan/wanted-children.ts';
import { applyChildren, sweepChildren } from './children-step.ts';
import type { ControllerParts } from './controller-parts.ts';
import { drain } from './drain-step.ts';
import { INGESTIONS } from './kinds.ts';
import { observedPods, rollPods, type RollStep } from './pods-step.ts';
import { type Prepared, prepare } from './prepare-step.ts';
import { workerReports } from './worker-reports.ts';
import { PlanMemo } from './plan-memo.ts';
import { STUCK, withDeadline } from '../../plan/progress-deadline.ts';
import type { SpecReading, UsableSpec } from './spec-reading.ts';

/** Between steps of a roll or a drain; pod events usually come first. */
const BUSY_MS = 2000;
/** How long a change of workers may stand still unless the resource says otherwise. */
const PROGRESS_SECONDS = 600;
/** At most one status write a second and resource. */
const STATUS_MS = 1000;

/** The controller of all ingestions. */
export class IngestionController {
  readonly #parts: ControllerParts;
  /** What runs, for retention and the status of others; rebuilt by the passes. */
  readonly #running: Map<string, CompiledIngestion> = new Map();
  readonly #memo: PlanMemo;
  readonly #uids: Map<string, string> = new Map();
  readonly #statusMs: Map<string, number> = new Map();

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.#memo = new PlanMemo(parts);
  }

  /** Ingestions seen by passes so far. */
  running(): readonly CompiledIngestion[] {
    return [...this.#running.values()];
  }

  /** One pass; rejects only for bugs. */
  async pass(key: string, signal: AbortSignal): Promise<PassResult> {
    const { log, settings, random } = this.#parts;
    // After a start all passes come at once; the next ones are spread over the whole period.
    const isFirst = !this.#uids.has(key);
    try {
      const againMs = await this.#reconcile(key, signal);
      if (againMs === 'gone') return { kind: 'gone' };
      // Many are looked at more rarely each, so that looking at all costs no more.
      const { resyncMs: leastMs, resyncPerIngestionMs } = settings;
      const periodMs = Math.max(leastMs, this.#uids.size * resyncPerIngestionMs);
      const resyncMs = isFirst ? random() * periodMs : this.#spread(periodMs);
      return { kind: 'done', againMs: againMs ?? resyncMs };
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === 'bug') throw error;
      // Somebody else leads, or this process stops: no failure of the resource.
      if (error.kind === 'fenced' || signal.aborted) return { kind: 'failed' };
      // 409 is the normal answer to two writers: read again, compute again.
      if (!hasCode(error, 'Conflict', 'NotFound', 'AlreadyExists'))
        log.warn('pass failed; trying again', { ingestion: key, error });
      return { kind: 'failed' };
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | 'gone' | undefined> {
    const { caches, streams } = this.#parts;
    const object = caches.ingestions.get(key);
    const uid = object?.metadata.uid;
    const knownUid = this.#uids.get(key);
    if (knownUid !== undefined && knownUid !== uid) {
      await streams.close(knownUid);
      this.#uids.delete(key);
      this.#running.delete(key);
      this.#statusMs.delete(key);
      this.#memo.forget(key);
      this.#parts.deaths.forget(key);
      this.#parts.permits.release(key);
    }
    if (object === undefined || uid === undefined) return 'gone';
    this.#uids.set(key, uid);
    if (object.metadata.deletionTimestamp !== undefined) {
      this.#running.delete(key);
      await streams.close(uid);
      return drain(this.#parts, object, signal);
    }
    return this.#keep(key, object, signal);
  }

  async #keep(key: string, object: KubeObject, signal: AbortSignal): Promise<number | undefined> {
    const { parts, uid } = { parts: this.#parts, uid: object.metadata.uid ?? '' };
    const isPaused = object.metadata.annotations?.[ANNOTATIONS.paused] === 'true';
    const { finalizers = [] } = object.metadata;
    if (!isPaused && !finalizers.includes(FINALIZER)) {
      await parts.writer.finalizers(INGESTIONS, object, [...finalizers, FINALIZER], signal);
      // The new version comes by the watch, and with it the next pass.
      return BUSY_MS;
    }
    const reading = this.#memo.reading(key, object, parts.caches.children('revisions', uid));
    const { usable, invalid } = reading;
    if (usable !== undefined) this.#running.set(key, usable.ingestion);
    if (invalid !== undefined)
      parts.events.record(object, {
        type: 'Warning',
        reason: invalid.reason,
        action: 'Validate',
        note: invalid.message,
      });
    if (usable === undefined || isPaused)
      return this.#report(key, object, this.#idle(object, invalid, isPaused), usable, signal);
    const asked = parts.caches.children('pods', uid);
    const [prepared, reports] = await Promise.all([
      prepare(parts, object, usable, signal),
      workerReports(asked, parts.askWorker, signal),
    ]);
    const state = 'reason' in prepared ? undefined : prepared;
    const children = this.#memo.children(key, object, usable, {
      wanted: state?.groups ?? [],
      held: [...(state?.held ?? [])],
    });
    const wanted = children.pods;
    const isSuspended = usable.ingestion.suspend;
    const act = { object, reading, wanted: children, state, reports, signal };
    const { failed, outstanding, isWaiting } = await this.#act(act);
    const pods = parts.caches.children('pods', uid);
    const findings: Findings = {
      invalid,
      unprepared: 'reason' in prepared ? prepared : undefined,
      failed: failed.map(({ code, message }) => ({ reason: code, message })),
      isPaused,
      isSuspended,
      isWaiting,
      wanted: state === undefined ? undefined : wanted,
      pods: observedPods(pods, parts.clock.nowMs(), reports),
      reports,
      troubles: new Map(pods.map((pod) => [pod.metadata.name, troubleOf(pod)])),
      partitions: { total: state?.partitions ?? 0, assigned: state?.partitions ?? 0 },
    };
    const againMs = await this.#report(key, object, findings, usable, signal, state?.reset);
    const transient = failed.find((failure) => failure.kind === 'transient');
    if (transient !== undefined) throw transient;
    if (outstanding > 0) return Math.min(againMs ?? BUSY_MS, BUSY_MS);
    return againMs;
  }

  /** Steps that write children. Without a prepared state pods are left as they are. */
  async #act(act: {
    readonly object: KubeObject;
    readonly reading: SpecReading;
    readonly wanted: WantedChildren;
    readonly state: Prepared | undefined;
    readonly reports: ReadonlyMap<string, WorkerReport>;
    readonly signal: AbortSignal;
  }): Promise<RollStep & { readonly failed: readonly Failure[] }> {
    const parts = this.#parts;
    const { object, reading, wanted, state, reports, signal } = act;
    const owner = ownerOf(object);
    const input = { parts, owner, reading, wanted, signal };
    const failed = [...(await applyChildren(input))];
    if (state === undefined) return { failed, outstanding: 0, isWaiting: false };
    let step: RollStep = { outstanding: 0, isWaiting: false };
    try {
      step = await rollPods({
        parts,
        object,
        wanted: wanted.pods,
        leaving: wanted.leaving,
        held: state.held,
        isSuspended: reading.usable?.ingestion.suspend ?? false,
        reports,
        signal,
      });
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === 'fenced' || error.kind === 'bug')
        throw error;
      failed.push(error);
    }
    if (step.outstanding === 0 && failed.length === 0) {
      const pods = parts.caches.children('pods', owner.uid);
      const used = pods.flatMap((pod) => listAt(pod, 'spec', 'volumes'));
      const names = new Set(used.map((volume) => textAt(volume, 'configMap', 'name')));
      failed.push(...(await sweepChildren(input, names)));
    }
    return { failed, ...step };
  }

  #idle(object: KubeObject, invalid: Trouble | undefined, isPaused: boolean): Findings {
    const { caches, clock } = this.#parts;
    const pods = caches.children('pods', object.metadata.uid ?? '');
    return {
      invalid,
      unprepared: undefined,
      failed: [],
      isPaused,
      isSuspended: false,
      isWaiting: false,
      wanted: undefined,
      pods: observedPods(pods, clock.nowMs(), new Map()),
      reports: new Map(),
      troubles: new Map(),
      partitions: { total: 0, assigned: 0 },
    };
  }

  /** Writes status if it says something new; resolves with when to look again. */
  async #report(
    key: string,
    object: KubeObject,
    findings: Findings,
    usable: UsableSpec | undefined,
    signal: AbortSignal,
    reset = textAt(object, 'status', 'resetAt') || undefined,
  ): Promise<number | undefined> {
    const { writer, clock, segments } = this.#parts;
    const { generation = 0, name, annotations } = object.metadata;
    const previous = listAt(object, 'status', 'conditions') as readonly StatusCondition[];
    const verdicts = findings.isPaused
      ? pausedVerdicts(verdictsOf(findings), previous)
      : this.#inTime(key, object, findings, usable, previous);
    const counts = usable === undefined ? undefined : segments(usable.ingestion.dataSource);
    const isRolled = verdicts.Progressing.status === 'False' && !findings.isPaused;
    const restart = isRolled
      ? annotations?.[ANNOTATIONS.restartRequest]
      : textAt(object, 'status', 'restartedAt') || undefined;
    const status = {
      observedGeneration: generation,
      conditions: conditionsOf(verdicts, previous, generation, clock.nowMs()),
      workers: workerCounts(findings, Number(field(object, 'status', 'workers', 'desired') ?? 0)),
      partitions:
        findings.wanted === undefined
          ? (field(object, 'status', 'partitions') ?? findings.partitions)
          : findings.partitions,
      ...(counts === undefined ? {} : { segments: counts }),
      selector: selectorText(selectorLabels(name)),
      ...(restart === undefined ? {} : { restartedAt: restart.slice(0, 64) }),
      ...(reset === undefined ? {} : { resetAt: reset }),
    };
    const sinceMs = clock.monotonicMs() - (this.#statusMs.get(key) ?? -Infinity);
    const trouble = findings.unprepared === undefined ? undefined : this.#spread(5000);
    if (sinceMs < STATUS_MS) return Math.min(trouble ?? STATUS_MS, STATUS_MS - sinceMs + 50);
    const result = await writer.status(INGESTIONS, object, status, signal);
    if (result === 'changed') this.#statusMs.set(key, clock.monotonicMs());
    return trouble;
  }

  /** The verdicts, with a change that stands still told as such; one that is over or stuck lets others roll. */
  #inTime(
    key: string,
    object: KubeObject,
    findings: Findings,
    usable: UsableSpec | undefined,
    previous: readonly StatusCondition[],
  ): Verdicts {
    const { caches, clock, events, permits } = this.#parts;
    const seconds = usable?.resource.spec.workers?.progressDeadlineSeconds ?? PROGRESS_SECONDS;
    const verdicts = withDeadline(verdictsOf(findings), {
      previous,
      generation: object.metadata.generation ?? 0,
      nowMs: clock.nowMs(),
      deadlineMs: seconds * 1000,
      pods: caches.children('pods', object.metadata.uid ?? ''),
      unready: findings.isSuspended ? [] : unready(findings),
    });
    const { status, reason, message } = verdicts.Progressing;
    if (status !== 'True') permits.release(key);
    if (reason === STUCK)
      events.record(object, { type: 'Warning', reason, action: 'Roll', note: message });
    return verdicts;
  }

  /** Within a fifth of `ms` to either side, so that a thousand resources do not tick together (B9). */
  #spread(ms: number): number {
    return ms * (0.8 + this.#parts.random() * 0.4);
  }
}
