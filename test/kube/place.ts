// Where the servers and processes of a suite listen: in the network namespace that in-namespace.ts makes, on addresses
// that its bridge carries, a /24 for each suite as a node has one for its pods; else on the machine's loopback.

import { randomInt } from 'node:crypto';

/** Components of the control plane on which the operator is tested: nothing is scheduled. */
export const OPERATOR_PARTS = 'etcd kube-apiserver kube-controller-manager';

/** A suite's addresses. */
export interface Place {
  /** Of servers and roles. */
  readonly host: string;
  /** First three numbers of the addresses of pods: every one from `.2` on can be listened on. */
  readonly podNet: string;
  /** Environment of kube.sh. */
  readonly kube: Readonly<Record<string, string>>;
  /** True when nobody else listens there. */
  readonly isOwn: boolean;
}

/** More than a run has files. */
const PLACES = 32;

/** Every {@link Place.host} that there is in a range of addresses, given by its first two numbers. */
export function hostsOf(range: string): readonly string[] {
  return Array.from({ length: PLACES }, (_, i) => `${range}.${i}.1`);
}

/** The place of this suite. On loopback each call answers with other ports and pods, since others run beside it. */
export function placeOfSuite(): Place {
  const range = process.env['SLUICE_TEST_NET'];
  if (range === undefined) {
    return {
      host: '127.0.0.1',
      podNet: `127.${randomInt(10, 250)}.${randomInt(1, 250)}`,
      // First of thirteen ports below the ephemeral ones.
      kube: { KUBE_PORT: String(27_640 + 20 * randomInt(200)) },
      isOwn: false,
    };
  }
  // vitest counts the files of a run; outside of it there is one.
  const podNet = `${range}.${Number(process.env['VITEST_WORKER_ID'] ?? 0) % PLACES}`;
  const host = `${podNet}.1`;
  // Below those that ports.ts chooses from.
  const kube = { KUBE_BIND: host, KUBE_NET: podNet, KUBE_PORT: '6440' };
  return { host, podNet, kube, isOwn: true };
}
