// A real API server for the operator's tests: the one that SLUICE_TEST_KUBECONFIG names, else one that test/kube starts
// for this file. No node: pods stay pending until a test says otherwise (pod-status.ts).

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { systemClock } from '../../../core/runtime/clock.ts';
import { crdText } from '../../../core/spec/render/crd.ts';
import {
  createKubeClient,
  type KubeClient,
  type Transport,
} from '../../../operator/kube/client.ts';
import { openTransport } from '../../../operator/kube/kube-config.ts';
import { OPERATOR_PARTS, placeOfSuite } from '../../kube/place.ts';
import { until } from '../waiting.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../kube/kube.sh', import.meta.url));
const SIGNAL = new AbortController().signal;
/** On loopback two may chance on the same ports: the later one tries others. */
const ATTEMPTS = 4;

/** A running API server with the CRD. */
export interface ControlPlane {
  readonly transport: Transport;
  /** For the tests themselves; the operator gets its own, counted one. */
  readonly admin: KubeClient;
  /** File; for operators that are processes of their own. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

/** True where a control plane can be had. */
export function hasControlPlane(): boolean {
  // In CI a missing one is a failure, not a skip.
  if (process.env['CI'] === 'true') return true;
  return process.env['SLUICE_TEST_KUBECONFIG'] !== undefined || existsSync(SCRIPT);
}

/** Starts or finds it. */
export async function startControlPlane(): Promise<ControlPlane> {
  const given = process.env['SLUICE_TEST_KUBECONFIG'];
  const state = given === undefined ? mkdtempSync(join(tmpdir(), 'sluice-kube-')) : undefined;
  const place = placeOfSuite();
  let env: NodeJS.ProcessEnv = {
    ...process.env,
    ...(state === undefined ? {} : { KUBE_STATE: state }),
    ...place.kube,
    KUBE_PARTS: OPERATOR_PARTS,
    // Pods of tests are bound to nodes that do not exist; these two would delete them for it.
    KUBE_KCM_ARGS: '--controllers=*,-pod-garbage-collector-controller,-node-lifecycle-controller',
  };
  const down = async (): Promise<void> => {
    if (state === undefined) return;
    await run(SCRIPT, ['down'], { env });
    rmSync(state, { recursive: true, force: true });
  };
  for (let attempt = 1; state !== undefined; attempt++) {
    try {
      await run(SCRIPT, ['up'], { env, maxBuffer: 1 << 26 });
      break;
    } catch (error) {
      await down();
      const isTaken = String(error).includes('address already in use');
      if (place.isOwn || attempt === ATTEMPTS || !isTaken) throw error;
      env = { ...env, ...placeOfSuite().kube };
    }
  }
  const kubeconfig = given ?? join(state ?? '', 'admin.kubeconfig');
  if (!existsSync(kubeconfig)) throw new Error(`${kubeconfig} does not exist`);
  const transport = await openTransport({ kubeconfig, clock: systemClock });
  const admin = createKubeClient({ transport, clock: systemClock });
  await installCrd(admin);
  return {
    transport,
    admin,
    kubeconfig,
    stop: down,
  };
}

async function installCrd(admin: KubeClient): Promise<void> {
  const body: unknown = parse(crdText());
  const name = 'realtimeingestions.sluice.dev';
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  const query = { fieldManager: 'sluice-test', force: 'true' };
  const contentType = 'application/apply-patch+yaml';
  await admin.call({ method: 'PATCH', path, query, contentType, body }, SIGNAL);
  await until('the CRD to be served', 20_000, async () => {
    const list = '/apis/sluice.dev/v1alpha1/realtimeingestions';
    return (await admin.call({ method: 'GET', path: list }, SIGNAL)) === undefined
      ? undefined
      : true;
  });
}

/** The resource of examples/wikipedia-kafka.yaml, as kubectl would send it. */
export function exampleSpec(): Readonly<Record<string, unknown>> {
  const file = new URL('../../../examples/wikipedia-kafka.yaml', import.meta.url);
  const resource = parse(readFileSync(file, 'utf8')) as { spec: Record<string, unknown> };
  return resource.spec;
}
