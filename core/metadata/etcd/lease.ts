// A lease whose life we count ourselves: it is alive until 2/3 of its TTL after the last acknowledged renewal
// was *sent*, on our own monotonic clock (protocol.md 7). The library's lease and its events are not used: they
// report a loss late, or early when only the connection is gone.

import type { Etcd3 } from 'etcd3';
import type { Clock } from '../../runtime/clock.ts';
import type { Failure } from '../../runtime/failure.ts';
import { orAborted, withTimeout } from '../../runtime/timeout.ts';
import type { Lease } from '../port.ts';
import { classify } from './classify.ts';

// Six renewals a TTL: four may fail before the lease counts as lost.
const RENEWALS_PER_TTL = 6;
const POLL_MS = 100;

/** Grants a lease and renews it until it is revoked or lost. @throws Failure transient StoreUnavailable */
export async function grantLease(client: Etcd3, ttlMs: number, clock: Clock): Promise<Lease> {
  const sentMs = clock.monotonicMs();
  const answer = await client.leaseClient
    .leaseGrant({ TTL: Math.ceil(ttlMs / 1000) })
    .catch((error: unknown) => {
      throw classify(error, 'grant lease');
    });
  const id = answer.ID;
  const lost = new AbortController();
  let deadMs = sentMs + (ttlMs * 2) / 3;

  const isAlive = (): boolean => {
    if (!lost.signal.aborted && clock.monotonicMs() >= deadMs) lost.abort();
    return !lost.signal.aborted;
  };
  const onRenewed = (renewalSentMs: number, ttlSeconds: number): void => {
    // A late acknowledgement must not revive a lease that others may have seen dead.
    if (!isAlive()) return;
    if (ttlSeconds <= 0) lost.abort();
    else deadMs = Math.max(deadMs, renewalSentMs + (ttlMs * 2) / 3);
  };
  void renew(client, { id, ttlMs, clock, lost: lost.signal, isAlive, onRenewed });
  void poll(clock, lost.signal, isAlive);
  return {
    id,
    ttlMs,
    isAlive,
    lost: lost.signal,
    async revoke() {
      lost.abort();
      // When this fails the lease runs out by itself.
      await client.leaseClient.leaseRevoke({ ID: id }).catch(() => undefined);
    },
  };
}

async function poll(clock: Clock, lost: AbortSignal, isAlive: () => boolean): Promise<void> {
  while (isAlive()) await clock.sleep(POLL_MS, lost);
}

interface Renewal {
  readonly id: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly lost: AbortSignal;
  readonly isAlive: () => boolean;
  readonly onRenewed: (sentMs: number, ttlSeconds: number) => void;
}

async function renew(client: Etcd3, renewal: Renewal): Promise<void> {
  const { clock, lost, ttlMs } = renewal;
  const waitMs = ttlMs / RENEWALS_PER_TTL;
  let channel: Channel | undefined;
  while (renewal.isAlive()) {
    await clock.sleep(waitMs, lost);
    // After a failure the next try comes soon; the pause keeps a dead server from being hammered.
    while (renewal.isAlive() && !(await tryOnce())) await clock.sleep(Math.min(200, waitMs), lost);
  }
  channel?.close();

  async function tryOnce(): Promise<boolean> {
    try {
      channel ??= await openChannel(client);
      const sentMs = clock.monotonicMs();
      const answer = orAborted(channel.exchange(renewal.id), lost, noAnswer);
      renewal.onRenewed(sentMs, await withTimeout(answer, waitMs, clock, noAnswer));
      return true;
    } catch {
      channel?.close();
      channel = undefined;
      return false;
    }
  }
}

function noAnswer(): Failure {
  return classify('no answer', 'renew lease');
}

/** A keep-alive stream with one request at a time, so that the next answer is the answer. */
interface Channel {
  /** Seconds to live as the server says; 0 when it knows the lease no more. */
  exchange(id: string): Promise<number>;
  close(): void;
}

async function openChannel(client: Etcd3): Promise<Channel> {
  const stream = await client.leaseClient.leaseKeepAlive();
  let waiting: PromiseWithResolvers<number> | undefined;
  const fail = (): void => waiting?.reject(noAnswer());
  stream.on('data', (answer) => waiting?.resolve(Number(answer.TTL)));
  stream.on('error', fail);
  stream.on('end', fail);
  return {
    exchange(id) {
      waiting = Promise.withResolvers<number>();
      stream.write({ ID: id });
      return waiting.promise;
    },
    close: () => stream.cancel(),
  };
}
