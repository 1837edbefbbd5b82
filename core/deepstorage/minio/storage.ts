// Deep storage in a bucket, through the MinIO client. A file is one PUT of known length that the server
// verifies by SHA-256 and refuses when the key exists; afterwards it is read back as to length and checksum.

import { createReadStream } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { Client } from 'minio';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { Failure, isFailure } from '../../runtime/failure.ts';
import { checkedPath } from '../path.ts';
import type { DeepStorage, StoredFile } from '../port.ts';
import { corrupt, digest, digestFile, of, saveVerified } from '../transfer.ts';
import { classify, s3Code } from './classify.ts';
import { type StallGuard, withStallGuard } from './stall-guard.ts';

/** How to reach a bucket. */
export interface MinioOptions {
  /** `http://host:port` or `https://`. */
  readonly endpoint: string;
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
  const { bucket, prefix = '', idleMs = 30_000 } = options;
  const clock = options.clock ?? systemClock;
  const client = createClient(options);
  const keyOf = (path: string): string => prefix + checkedPath(path);

  async function guarded<T>(
    path: string,
    signal: AbortSignal,
    work: (guard: StallGuard) => Promise<T>,
  ): Promise<T> {
    try {
      return await withStallGuard(clock, idleMs, signal, work);
    } catch (error) {
      throw classify(error, bucket, prefix + path);
    }
  }

  async function put(
    file: StoredFile,
    open: () => Readable,
    guard: StallGuard,
  ): Promise<StoredFile> {
    const objectName = keyOf(file.path);
    const body = touching(open(), guard);
    const headers = {
      'content-length': String(file.bytes),
      'content-type': 'application/octet-stream',
      'if-none-match': '*',
      // Verified by the server, kept with the object and told again by HEAD.
      'x-amz-checksum-sha256': Buffer.from(file.sha256, 'hex').toString('base64'),
    };
    try {
      const sha256 = options.endpoint.startsWith('https:') ? '' : file.sha256;
      const response = await client.makeRequestStreamAsync(
        { method: 'PUT', bucketName: bucket, objectName, headers },
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
    await verify(file, guard);
    return file;
  }

  async function verify(file: StoredFile, guard: StallGuard): Promise<void> {
    const found = await statKey(keyOf(file.path));
    const sha256 = found.sha256 ?? (await digest(await read(file.path, guard))).sha256;
    if (found.bytes !== file.bytes || sha256 !== file.sha256)
      throw corrupt(file, { bytes: found.bytes, sha256 });
  }

  async function statKey(objectName: string): Promise<Stat> {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const response = await client.makeRequestAsync({
      method: 'HEAD',
      bucketName: bucket,
      objectName,
      headers,
    });
    response.resume();
    const checksum = response.headers['x-amz-checksum-sha256'];
    const sha256 =
      typeof checksum === 'string' && !checksum.includes('-')
        ? Buffer.from(checksum, 'base64').toString('hex')
        : undefined;
    return { bytes: Number(response.headers['content-length']), sha256 };
  }

  async function read(path: string, guard: StallGuard): Promise<Readable> {
    return touching(await client.getObject(bucket, keyOf(path)), guard);
  }

  return {
    putFile: (path, localFile, signal) =>
      guarded(path, signal, async (guard) => {
        const file = { path, ...(await digestFile(localFile, signal)) };
        return put(file, () => createReadStream(localFile, { highWaterMark: 256 * 1024 }), guard);
      }),
    putBytes: (path, bytes, signal) =>
      guarded(path, signal, async (guard) => {
        const file = { path, ...(await digest(of(bytes))) };
        return put(file, () => Readable.from([Buffer.from(bytes)]), guard);
      }),
    getFile: (file, localFile, signal) =>
      guarded(file.path, signal, async (guard) =>
        saveVerified(await read(file.path, guard), file, localFile),
      ),
    getBytes: (path, maxBytes, signal) =>
      guarded(path, signal, async (guard) => {
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of await read(path, guard)) {
          bytes += chunk.length;
          if (bytes > maxBytes)
            throw new Failure(
              'corrupt',
              'FileTooLong',
              `s3://${bucket}/${keyOf(path)} has more than the ${maxBytes} bytes expected`,
            );
          chunks.push(chunk);
        }
        return Buffer.concat(chunks);
      }),
    async *list(under, signal) {
      try {
        for await (const item of client.listObjectsV2(bucket, prefix + under, true)) {
          if (signal.aborted) return;
          yield {
            path: item.name.slice(prefix.length),
            bytes: item.size,
            modifiedMs: item.lastModified.getTime(),
          };
        }
      } catch (error) {
        throw classify(error, bucket, prefix + under);
      }
    },
    delete: (path, signal) =>
      guarded(path, signal, async () => {
        await client.removeObject(bucket, keyOf(path));
      }),
    check: (signal) => check(signal),
    loadSpec: (path) => ({ type: 's3_zip', bucket, key: keyOf(path), S3Schema: 's3n' }),
    pathOf(loadSpec) {
      if (
        loadSpec.type !== 's3_zip' ||
        loadSpec.bucket !== bucket ||
        !loadSpec.key.startsWith(prefix)
      ) {
        throw new Failure(
          'config',
          'LoadSpecForeign',
          `load spec ${JSON.stringify(loadSpec)} is not in s3://${bucket}/${prefix}`,
        );
      }
      return checkedPath(loadSpec.key.slice(prefix.length));
    },
  };

  async function check(signal: AbortSignal): Promise<void> {
    await guarded('', signal, async (guard) => {
      const isThere = await client.bucketExists(bucket);
      if (!isThere)
        throw new Failure(
          'config',
          'BucketMissing',
          `bucket '${bucket}' does not exist at ${options.endpoint}; create it or name another`,
        );
      const path = `.check-${randomUUID()}`;
      try {
        await put(
          { path, ...(await digest(of(new Uint8Array(1)))) },
          () => Readable.from([Buffer.alloc(1)]),
          guard,
        );
      } finally {
        await client.removeObject(bucket, keyOf(path)).catch((error: unknown) => {
          if (!isFailure(error)) throw classify(error, bucket, keyOf(path));
        });
      }
    });
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

function createClient(options: MinioOptions): Client {
  const url = new URL(options.endpoint);
  const useSSL = url.protocol === 'https:';
  return new Client({
    endPoint: url.hostname,
    port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port),
    useSSL,
    accessKey: options.accessKey,
    secretKey: options.secretKey,
    region: options.region ?? 'us-east-1',
    transportAgent: useSSL
      ? new HttpsAgent({ keepAlive: true })
      : new HttpAgent({ keepAlive: true }),
    // A stream that was sent half cannot be sent again by the library; our own retry begins anew.
    retryOptions: { disableRetry: true },
  });
}
