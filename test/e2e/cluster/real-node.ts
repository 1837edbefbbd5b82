// A real cluster with a real node for one suite, inside the network namespace that test/kube/in-namespace.ts made: the
// control plane, kubelet, containerd, and the four servers on the bridge's address, where pods reach them.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startNative } from '../../servers/native.ts';
import { SERVER_NAMES, type Server, type ServerName } from '../../servers/server.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../kube/kube.sh', import.meta.url));
/** Of the bridge: the node, and the servers beside it. */
const HOST = '10.244.0.1';
const OUTPUT_BYTES_MAX = 1 << 26;

// Who did what; no bodies.
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`;

/** Why there is no node; undefined where there is one. With CI=true a missing one is a failure, not a skip. */
export function whyNoNode(): string | undefined {
  if (process.env['SLUICE_TEST_IMAGE'] !== undefined || process.env['CI'] === 'true')
    return undefined;
  return process.env['SLUICE_TEST_NO_NODE'] ?? 'run it by npm test -- cluster';
}

/** The running cluster. */
export interface RealNode {
  readonly host: string;
  /** Everything of this run; removed at the end. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** The program itself. */
  readonly kubectlPath: string;
  /** The API server's audit log, one JSON object a line. */
  readonly auditLog: string;
  server(name: ServerName): Server;
  /** Output of kubectl. @throws Error with what it said */
  kubectl(...args: readonly string[]): Promise<string>;
  /** Output of helm; where it renders nothing, also what it says beside it. @throws Error with what it said */
  helm(...args: readonly string[]): Promise<string>;
  /** What kubectl reads as JSON. */
  read<T>(...args: readonly string[]): Promise<T>;
  /** Writes a file of this run and answers its path. */
  file(name: string, text: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts all of it. @throws Error when a part does not start */
export async function startRealNode(): Promise<RealNode> {
  const { SLUICE_TEST_IMAGE: image, SLUICE_TEST_NODE: given, KUBE_STATE: state } = process.env;
  if (image === undefined || given === undefined || state === undefined)
    throw new Error('no image, no namespace: run this by npm test -- cluster');
  const folder: string = given;
  const auditLog = join(folder, 'audit.log');
  const policy = join(folder, 'audit-policy.yaml');
  await writeFile(policy, AUDIT_POLICY);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    KUBE_APISERVER_ARGS: `--audit-policy-file=${policy} --audit-log-path=${auditLog} --audit-log-maxsize=1000`,
  };
  const script = async (...args: readonly string[]): Promise<string> =>
    (await run(SCRIPT, [...args], { env, maxBuffer: OUTPUT_BYTES_MAX })).stdout;
  const started: Server[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.dispose()));
    await script('down');
  };
  try {
    await script('up', '--node');
    await Promise.all([
      script('load', image),
      ...SERVER_NAMES.map(async (name) => void started.push(await startNative(name, HOST))),
    ]);
    const bin = (await script('build', '--node')).trim();
    return { ...tools(join(state, 'admin.kubeconfig'), bin), folder, auditLog, server, stop };
  } catch (error) {
    await stop();
    throw error;
  }

  function server(name: ServerName): Server {
    const found = started.find((one) => one.name === name);
    if (found === undefined) throw new Error(`server ${name} was not started`);
    return found;
  }

  function tools(
    kubeconfig: string,
    bin: string,
  ): Omit<RealNode, 'folder' | 'auditLog' | 'server' | 'stop'> {
    const toolEnv = {
      ...process.env,
      KUBECONFIG: kubeconfig,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    };
    const call =
      (tool: string) =>
      async (...args: readonly string[]) => {
        const options = { env: toolEnv, maxBuffer: OUTPUT_BYTES_MAX };
        return run(join(bin, tool), [...args], options);
      };
    const [callKubectl, callHelm] = [call('kubectl'), call('helm')];
    const kubectl = async (...args: readonly string[]): Promise<string> =>
      (await callKubectl(...args)).stdout;
    return {
      host: HOST,
      kubeconfig,
      kubectlPath: join(bin, 'kubectl'),
      kubectl,
      async helm(...args) {
        const { stdout, stderr } = await callHelm(...args);
        return args[0] === 'template' ? stdout : stdout + stderr;
      },
      async read<T>(...args: readonly string[]) {
        return JSON.parse(await kubectl('get', ...args, '-o', 'json')) as T;
      },
      async file(name, text) {
        const path = join(folder, name);
        await writeFile(path, text);
        return path;
      },
    };
  }
}
