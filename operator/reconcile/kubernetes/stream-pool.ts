// Connections to the streams of ingestions, one each, kept between passes and opened again when what they are made from
// changed. Secrets are read from the API server by name, at most every few seconds. Fed by passes.

import type { Clock } from '../../../core/runtime/clock.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import type { CompiledIngestion, SecretLookup } from '../../../core/spec/compiled.ts';
import type { SecretKeyRef } from '../../../core/spec/realtime-ingestion.ts';
import { textAt } from '../../kube/object.ts';
import type { Writer } from '../../kube/writer.ts';
import { contentHash } from '../../plan/content-hash.ts';
import type { StreamInspector } from '../cluster.ts';
import { KINDS } from './kinds.ts';

/** How long a Secret that was read is believed: a changed password is used within this. */
const SECRET_MS = 10_000;

/** Opens a stream with the secrets it needs. */
export type OpenStream = (ingestion: CompiledIngestion, secrets: SecretLookup) => StreamInspector;

/** The pool. */
export class StreamPool {
  readonly #open: OpenStream;
  readonly #secrets: SecretReader;
  readonly #streams: Map<string, { readonly hash: string; readonly stream: StreamInspector }> =
    new Map();

  constructor(open: OpenStream, secrets: SecretReader) {
    this.#open = open;
    this.#secrets = secrets;
  }

  /** The stream of the ingestion with this uid. @throws Failure `config` SecretMissing */
  async get(
    uid: string,
    ingestion: CompiledIngestion,
    refs: readonly SecretKeyRef[],
    signal: AbortSignal,
  ): Promise<StreamInspector> {
    const values = new Map<string, string>();
    for (const { name, key } of refs)
      values.set(
        `${name}/${key}`,
        await this.#secrets.value(ingestion.namespace, name, key, signal),
      );
    const hash = contentHash([ingestion.source, [...values]]);
    const known = this.#streams.get(uid);
    if (known?.hash === hash) return known.stream;
    await this.close(uid);
    const stream = this.#open(ingestion, ({ name, key }) => values.get(`${name}/${key}`) ?? '');
    this.#streams.set(uid, { hash, stream });
    return stream;
  }

  async close(uid: string): Promise<void> {
    const known = this.#streams.get(uid);
    this.#streams.delete(uid);
    await known?.stream.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#streams.keys()].map((uid) => this.close(uid)));
  }
}

/** Reads Secrets by name, never by watching all of them. */
export class SecretReader {
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #read: Map<string, { readonly atMs: number; readonly data: SecretData | undefined }> =
    new Map();

  constructor(writer: Writer, clock: Clock) {
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Everything of a Secret, base64; undefined where there is none. */
  async data(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<SecretData | undefined> {
    const key = `${namespace}/${name}`;
    const nowMs = this.#clock.monotonicMs();
    const known = this.#read.get(key);
    if (known !== undefined && nowMs - known.atMs < SECRET_MS) return known.data;
    const secret = await this.#writer.read(KINDS.secrets, { namespace, name }, signal);
    const data = secret === undefined ? undefined : ((secret['data'] ?? {}) as SecretData);
    for (const [other, { atMs }] of this.#read)
      if (nowMs - atMs >= SECRET_MS) this.#read.delete(other);
    this.#read.set(key, { atMs: nowMs, data });
    return data;
  }

  /** One key as text. @throws Failure `config` SecretMissing */
  async value(namespace: string, name: string, key: string, signal: AbortSignal): Promise<string> {
    const data = await this.data(namespace, name, signal);
    if (data?.[key] === undefined)
      throw new Failure(
        'config',
        'SecretMissing',
        `secret ${name}/${key}: ${data === undefined ? 'the Secret does not exist' : 'the Secret has no such key'} in namespace ${namespace}; create it`,
      );
    return Buffer.from(textAt(data, key), 'base64').toString('utf8').trimEnd();
  }
}

type SecretData = Readonly<Record<string, string>>;
