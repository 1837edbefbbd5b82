// Sends generated rows to a topic, paced, and remembers what was acknowledged when. The counterpart of the checks:
// what must be found is what was sent and accepted.

import { openKafkaProducer } from '../../core/kafka/producer.ts';
import { rowGenerator } from './row-generator.ts';

/** Rows sent so far. */
export class Sent {
  /** Ids that Sluice must accept, by number. */
  readonly accepted: Set<number> = new Set();
  /** Records in all. */
  records = 0;
  readonly #history: { readonly atMs: number; readonly accepted: number }[] = [];

  /** Accepted rows acknowledged `agoMs` ago or earlier. */
  acceptedBefore(agoMs: number): number {
    const limit = performance.now() - agoMs;
    return this.#history.findLast((h) => h.atMs <= limit)?.accepted ?? 0;
  }

  acknowledged(accepted: readonly number[], records: number): void {
    for (const id of accepted) this.accepted.add(id);
    this.records += records;
    this.#history.push({ atMs: performance.now(), accepted: this.accepted.size });
  }
}

/** What to send. */
export interface ProduceOptions {
  readonly broker: string;
  readonly topic: string;
  readonly partitions: number;
  readonly rows: number;
  readonly seed: number;
  /** Rows a second; Infinity = as fast as it goes. */
  readonly rate: number;
  readonly startMs?: number;
  /** Added to every id, so that rounds have ids of their own. */
  readonly firstId?: number;
  readonly signal?: AbortSignal;
}

const BATCH = 500;

/** Sends everything; `sent` grows while it runs. Survives a broker that restarts. */
export async function produce(options: ProduceOptions, sent: Sent): Promise<void> {
  const { topic, partitions } = options;
  const producer = await openKafkaProducer({
    bootstrapServers: [options.broker],
    clientId: 'e2e-producer',
  });
  const startMs = options.startMs ?? Date.UTC(2024, 0, 1);
  // A row in two hours' event time every few milliseconds: several hour chunks, whatever the number of rows.
  const stepMs = Math.max(1, Math.floor((3 * 3_600_000 * partitions) / options.rows));
  const generators = Array.from({ length: partitions }, (_, partition) =>
    rowGenerator({
      seed: options.seed,
      partition,
      partitions,
      startMs,
      stepMs,
      firstId: options.firstId ?? 0,
    }),
  );
  const begun = performance.now();
  try {
    for (let done = 0; done < options.rows && options.signal?.aborted !== true;) {
      const accepted: number[] = [];
      const records = generators.flatMap((generator, partition) =>
        Array.from(
          { length: Math.min(BATCH, Math.ceil((options.rows - done) / partitions)) },
          () => {
            const { text, accepted: id } = generator.next();
            if (id !== undefined) accepted.push(id);
            return { value: text, partition };
          },
        ),
      );
      await sendPatiently(() => producer.send(topic, records));
      sent.acknowledged(accepted, records.length);
      done += records.length;
      const aheadMs = begun + (done / options.rate) * 1000 - performance.now();
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    }
  } finally {
    await producer.close();
  }
}

/** The idempotent producer numbers its batches: sending the same one again does not double it. */
async function sendPatiently(send: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (attempt >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
