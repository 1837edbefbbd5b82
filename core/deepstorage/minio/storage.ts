// Deep storage in a bucket, through the MinIO client. A file is one PUT of known length that the server
// verifies by SHA-256 and refuses when the key exists; afterwards it is read back as to length and checksum.

import { createReadStream } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { Client } from 'minio';
import type { LoadSpec } from '../../model/data-segment.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/failure.ts';
import { checkedPath } from '../path.ts';
import type { DeepStorage, StoredFile } from '../port.ts';
import { corrupt, digest, digestFile, of, saveVerified } from '../transfer.ts';
import { classify, s3Code } from './classify.ts';
import { type StallGuard, withStallGuard } from './stall-guard.ts';

/** How to reach a bucket. */
export interface MinioOptions {
  /** `http://host:port` or `https://`. */
  readonly endpoint: string;
  /** The keys are read at each request, so that a rotated pair is used from the next one on. */
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  /** Put before every path, with a trailing slash or empty. */
  readonly prefix?: string;
  /** Default us-east-1, which MinIO takes for any. */
  readonly region?: string;
  /** Longest time without progress; default 30 s. */
  readonly idleMs?: number;
  readonly clock?: Clock;
}

/** What there is under a key. `sha256` undefined when the server keeps no checksum. */
interface Stat {
  readonly bytes: number;
  readonly sha256: string | undefined;
}

/** Opens a bucket. Connects lazily; {@link DeepStorage.check} tells whether it is there. */
export function openMinioStorage(options: MinioOptions): DeepStorage {
  return new MinioStorage(options);
}

class MinioStorage implements DeepStorage {
  readonly #options: MinioOptions;
  readonly #agent: HttpAgent;
  #client: Client | undefined;
  #keys = '';
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #endpoint: string;
  readonly #idleMs: number;
  readonly #clock: Clock;

  constructor(options: MinioOptions) {
    this.#options = options;
    const isSecure = options.endpoint.startsWith('https:');
    this.#agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true });
    this.#bucket = options.bucket;
    this.#prefix = options.prefix ?? '';
    this.#endpoint = options.endpoint;
    this.#idleMs = options.idleMs ?? 30_000;
    this.#clock = options.clock ?? systemClock;
  }

  /** The client with the keys of now; connections outlive it. */
  #connect(): Client {
    const { accessKey, secretKey } = this.#options;
    const keys = `${accessKey}\n${secretKey}`;
    if (this.#client === undefined || keys !== this.#keys)
      this.#client = createClient(this.#options, this.#agent);
    this.#keys = keys;
    return this.#client;
  }

  #keyOf(path: string): string {
    return this.#prefix + checkedPath(path);
  }

  async #guarded<T>(
    path: string,
    signal: AbortSignal,
    work: (guard: StallGuard) => Promise<T>,
  ): Promise<T> {
    try {
      return await withStallGuard(this.#clock, this.#idleMs, signal, work);
    } catch (error) {
      throw classify(error, this.#bucket, this.#prefix + path);
    }
  }

  putFile(path: string, localFile: string, signal: AbortSignal): Promise<StoredFile> {
    return this.#guarded(path, signal, async (guard) => {
      const file = { path, ...(await digestFile(localFile, signal)) };
      return this.#put(
        file,
        () => createReadStream(localFile, { highWaterMark: 256 * 1024 }),
        guard,
      );
    });
  }

  putBytes(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<StoredFile> {
    return this.#guarded(path, signal, async (guard) => {
      const file = { path, ...(await digest(of(bytes))) };
      return this.#put(file, () => Readable.from([Buffer.from(bytes)]), guard);
    });
  }

  async #put(file: StoredFile, open: () => Readable, guard: StallGuard): Promise<StoredFile> {
    const bucketName = this.#bucket;
    const objectName = this.#keyOf(file.path);
    const body = touching(open(), guard);
    const headers = {
      'content-length': String(file.bytes),
      'content-type': 'application/octet-stream',
      'if-none-match': '*',
      // Verified by the server, kept with the object and told again by HEAD.
      'x-amz-checksum-sha256': Buffer.from(file.sha256, 'hex').toString('base64'),
    };
    try {
      const sha256 = this.#endpoint.startsWith('https:') ? '' : file.sha256;
      const request = { method: 'PUT', bucketName, objectName, headers };
      const response = await this.#connect().makeRequestStreamAsync(
        request,
        body,
        sha256,
        [200],
        '',
      );
      response.resume();
    } catch (error) {
      // Already there: the path is unique to this content, so it is an earlier try whose answer was lost.
      if (s3Code(error) !== 'PreconditionFailed') throw error;
    } finally {
      body.destroy();
    }
    guard.touch();
    await this.#verify(file, guard);
    return file;
  }

  async #verify(file: StoredFile, guard: StallGuard): Promise<void> {
    const found = await this.#stat(this.#keyOf(file.path));
    const sha256 = found.sha256 ?? (await digest(await this.#read(file.path, guard))).sha256;
    if (found.bytes !== file.bytes || sha256 !== file.sha256)
      throw corrupt(file, { bytes: found.bytes, sha256 });
  }

  async #stat(objectName: string): Promise<Stat> {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const request = { method: 'HEAD', bucketName: this.#bucket, objectName, headers };
    const response = await this.#connect().makeRequestAsync(request);
    response.resume();
    const checksum = response.headers['x-amz-checksum-sha256'];
    const isWhole = typeof checksum === 'string' && !checksum.includes('-');
    const sha256 = isWhole ? Buffer.from(checksum, 'base64').toString('hex') : undefined;
    return { bytes: Number(response.headers['content-length']), sha256 };
  }

  async #read(path: string, guard: StallGuard): Promise<Readable> {
    return touching(await this.#connect().getObject(this.#bucket, this.#keyOf(path)), guard);
  }

  getFile(file: StoredFile, localFile: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(file.path, signal, async (guard) =>
      saveVerified(await this.#read(file.path, guard), file, localFile),
    );
  }

  getBytes(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    return this.#guarded(path, signal, async (guard) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of await this.#read(path, guard)) {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          const text = `s3://${this.#bucket}/${this.#keyOf(path)} has more than the ${maxBytes} bytes expected`;
          throw new Failure('corrupt', 'FileTooLong', text);
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    });
  }

  async *list(under: string, signal: AbortSignal): ReturnType<DeepStorage['list']> {
    const prefix = this.#prefix;
    try {
      for await (const item of this.#connect().listObjectsV2(this.#bucket, prefix + under, true)) {
        if (signal.aborted) return;
        yield {
          path: item.name.slice(prefix.length),
          bytes: item.size,
          modifiedMs: item.lastModified.getTime(),
        };
      }
    } catch (error) {
      throw classify(error, this.#bucket, prefix + under);
    }
  }

  delete(path: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(path, signal, () =>
      this.#connect().removeObject(this.#bucket, this.#keyOf(path)),
    );
  }

  check(signal: AbortSignal): Promise<void> {
    return this.#guarded('', signal, async (guard) => {
      if (!(await this.#connect().bucketExists(this.#bucket))) {
        const text = `bucket '${this.#bucket}' does not exist at ${this.#endpoint}; create it or name another`;
        throw new Failure('config', 'BucketMissing', text);
      }
      const path = `.check-${randomUUID()}`;
      const probe = { path, ...(await digest(of(new Uint8Array(1)))) };
      await this.#put(probe, () => Readable.from([Buffer.alloc(1)]), guard);
      await this.#connect().removeObject(this.#bucket, this.#keyOf(path));
    });
  }

  loadSpec(path: string): LoadSpec {
    return { type: 's3_zip', bucket: this.#bucket, key: this.#keyOf(path), S3Schema: 's3n' };
  }

  pathOf(loadSpec: LoadSpec): string {
    const { type } = loadSpec;
    if (
      type !== 's3_zip' ||
      loadSpec.bucket !== this.#bucket ||
      !loadSpec.key.startsWith(this.#prefix)
    ) {
      const text = `load spec ${JSON.stringify(loadSpec)} is not in s3://${this.#bucket}/${this.#prefix}`;
      throw new Failure('config', 'LoadSpecForeign', text);
    }
    return checkedPath(loadSpec.key.slice(this.#prefix.length));
  }
}

// Reports progress and ends with the guard. Destroying the stream ends the request that it feeds or comes from.
function touching(stream: Readable, guard: StallGuard): Readable {
  stream.on('data', () => guard.touch());
  stream.pause();
  const end = (): void => void stream.destroy(new Error('aborted'));
  if (guard.signal.aborted) end();
  guard.signal.addEventListener('abort', end, { once: true });
  stream.on('error', () => undefined);
  stream.once('close', () => guard.signal.removeEventListener('abort', end));
  return stream;
}

function createClient(options: MinioOptions, transportAgent: HttpAgent): Client {
  const url = new URL(options.endpoint);
  const useSSL = url.protocol === 'https:';
  return new Client({
    endPoint: url.hostname,
    port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port),
    useSSL,
    accessKey: options.accessKey,
    secretKey: options.secretKey,
    region: options.region ?? 'us-east-1',
    transportAgent,
    // A stream that was sent half cannot be sent again by the library; our own retry begins anew.
    retryOptions: { disableRetry: true },
  });
}
