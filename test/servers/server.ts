// What a test or a person gets for one real server: its endpoint, and the faults it can suffer. Built by
// native.ts and compose.ts, or from an endpoint in the environment.

/** Every server the project talks to. `s3` is MinIO. */
export const SERVER_NAMES = ['kafka', 's3', 'etcd', 'redis'] as const;
/** One of {@link SERVER_NAMES}. */
export type ServerName = (typeof SERVER_NAMES)[number];

/** Where a server answers: `host:port` for kafka, else a URL. */
export interface Endpoint {
  readonly url: string;
  /** Set for s3 only. */
  readonly accessKey?: string;
  /** Set for s3 only. */
  readonly secretKey?: string;
}

/** One running server. The faults keep port and data; they reject for a server from the environment. */
export interface Server {
  readonly name: ServerName;
  readonly origin: 'environment' | 'compose' | 'native';
  readonly endpoint: Endpoint;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Asks it to end (SIGTERM), SIGKILL after 10 s; resolves when the process is gone. */
  stop(): Promise<void>;
  /** Starts it again on the same port and data; resolves when healthy. */
  start(): Promise<void>;
  /** SIGSTOP (true) or SIGCONT (false): connections stay open, nothing answers. */
  freeze(isFrozen: boolean): Promise<void>;
  /** Stops it for good and removes its data. */
  dispose(): Promise<void>;
}

/** A server named by the environment; it is not ours, so no fault can be injected. */
export function environmentServer(name: ServerName, endpoint: Endpoint): Server {
  const refuse = (): Promise<void> =>
    Promise.reject(
      new Error(
        `${name} at ${endpoint.url} comes from the environment: it cannot be stopped or started here`,
      ),
    );
  return {
    name,
    origin: 'environment',
    endpoint,
    kill: refuse,
    stop: refuse,
    start: refuse,
    freeze: refuse,
    dispose: () => Promise.resolve(),
  };
}

/** The endpoint the environment names, if any: SLUICE_KAFKA, SLUICE_S3 (+ keys), SLUICE_ETCD, SLUICE_REDIS. */
export function environmentEndpoint(name: ServerName): Endpoint | undefined {
  const url = process.env[`SLUICE_${name.toUpperCase()}`];
  if (url === undefined || url === '') return undefined;
  if (name !== 's3') return { url };
  const accessKey = process.env['SLUICE_S3_ACCESS_KEY'];
  const secretKey = process.env['SLUICE_S3_SECRET_KEY'] ?? process.env['SLUICE_S3_SECRET'];
  if (accessKey === undefined || secretKey === undefined) {
    throw new Error('SLUICE_S3 is set: set SLUICE_S3_ACCESS_KEY and SLUICE_S3_SECRET_KEY too');
  }
  return { url, accessKey, secretKey };
}
