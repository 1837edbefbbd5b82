// The real transport over node:https with connections kept open: address, certificate and token of the pod's service
// account, else what a kubeconfig says, as @kubernetes/client-node reads it. Nothing else of that library is used: its
// informers stop for good at the first error and its objects cost seven times the memory (operator.md 3.1).

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { Agent as PlainAgent, request as httpRequest } from 'node:http';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import type { Clock } from '../../core/runtime/clock.ts';
import type { KubeAnswer, KubeRequest, Transport } from './client.ts';

/** How long headers are used before the token file is looked at again. */
const CREDENTIALS_MS = 10_000;
const USER_AGENT = 'sluice-operator';

interface Connection {
  readonly options: RequestOptions;
  readonly untilMs: number;
}

/** Where a server is and how requests prove who asks. */
interface Identity {
  readonly server: URL;
  /** The library makes its own agent for a proxy. */
  readonly hasProxy: boolean;
  /** Certificates and headers as they are now. */
  read(): Promise<RequestOptions>;
}

/**
 * A transport to the cluster that `kubeconfig` (a path) names, else the one this pod runs in, else the user's default.
 *
 * @throws Failure `config` KubeconfigInvalid
 */
export async function openTransport(options: {
  readonly kubeconfig?: string;
  /** Folder of the service account and address of the API server, for a pod. */
  readonly inCluster?: { readonly folder: string; readonly server: string };
  readonly clock: Clock;
}): Promise<Transport> {
  const { kubeconfig, inCluster, clock } = options;
  const isPod =
    kubeconfig === undefined &&
    inCluster !== undefined &&
    existsSync(join(inCluster.folder, 'token'));
  return transportOf(isPod ? podIdentity(inCluster) : await fileIdentity(kubeconfig), clock);
}

/** The pod's own account. The files are read anew: tokens are replaced before they end. */
function podIdentity({ folder, server }: { folder: string; server: string }): Identity {
  return {
    server: new URL(server),
    hasProxy: false,
    read: async () => ({
      ca: readFileSync(join(folder, 'ca.crt')),
      headers: { authorization: `Bearer ${readFileSync(join(folder, 'token'), 'utf8').trim()}` },
    }),
  };
}

/** What a kubeconfig says. Loading the library takes a second and 90 MB, which no pod pays. */
async function fileIdentity(kubeconfig: string | undefined): Promise<Identity> {
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new Failure(
      'config',
      'KubeconfigInvalid',
      `KUBECONFIG: cannot be read (${messageOf(error)}); name a kubeconfig file or run in a pod`,
      error,
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new Failure(
      'config',
      'KubeconfigInvalid',
      'KUBECONFIG: the current context names no cluster; set one with kubectl config use-context',
    );
  return {
    server: new URL(cluster.server),
    hasProxy: cluster.proxyUrl !== undefined,
    read: async () => {
      const made: RequestOptions = {};
      await config.applyToHTTPSOptions(made);
      return made;
    },
  };
}

function transportOf({ server, hasProxy, read }: Identity, clock: Clock): Transport {
  const isPlain = server.protocol === 'http:';
  let agent: Agent | PlainAgent | undefined;
  let connection: Connection | undefined;

  const connect = async (): Promise<RequestOptions> => {
    if (connection !== undefined && clock.monotonicMs() < connection.untilMs)
      return connection.options;
    const made = await read();
    const { ca, cert, key, rejectUnauthorized, servername } = made;
    // A proxy is the library's business; without one its agent would close each connection after one request.
    if (isPlain) agent ??= new PlainAgent({ keepAlive: true });
    else if (!hasProxy)
      agent ??= new Agent({
        keepAlive: true,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
        ...(servername === undefined ? {} : { servername }),
      });
    const options = agent === undefined ? made : { ...made, agent };
    connection = { options, untilMs: clock.monotonicMs() + CREDENTIALS_MS };
    return options;
  };

  return async (request, signal) => {
    const options = await connect();
    const answer = await send(server, isPlain, options, request, signal);
    // The token was replaced: read it again for the next request.
    if (answer.status === 401) connection = undefined;
    return answer;
  };
}

function send(
  server: URL,
  isPlain: boolean,
  options: RequestOptions,
  request: KubeRequest,
  signal: AbortSignal,
): Promise<KubeAnswer> {
  const query = new URLSearchParams(request.query ?? {}).toString();
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const root = server.pathname.replace(/\/$/, '');
  return new Promise((resolve, reject) => {
    const outgoing = (isPlain ? httpRequest : httpsRequest)(
      {
        ...options,
        host: server.hostname.replace(/^\[|\]$/g, ''),
        port: server.port === '' ? (isPlain ? 80 : 443) : server.port,
        method: request.method,
        path: `${root}${request.path}${query === '' ? '' : `?${query}`}`,
        signal,
        headers: {
          ...(options.headers as Readonly<Record<string, string>>),
          accept: 'application/json',
          'user-agent': USER_AGENT,
          ...(body === undefined
            ? {}
            : {
                'content-type': request.contentType ?? 'application/json',
                'content-length': Buffer.byteLength(body),
              }),
        },
      },
      (incoming) => {
        const headers: Record<string, string> = {};
        for (const [name, value] of Object.entries(incoming.headers))
          if (typeof value === 'string') headers[name] = value;
        resolve({ status: incoming.statusCode ?? 0, headers, body: incoming });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
