// Opens the stream of an ingestion: the one place that picks a source adapter by the spec.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KafkaConnectionOptions } from '../core/kafka/connection-options.ts';
import { Failure, messageOf } from '../core/runtime/failure.ts';
import type { Logger } from '../core/runtime/log.ts';
import type {
  CompiledIngestion,
  CompiledKafkaSource,
  SecretLookup,
} from '../core/spec/compiled.ts';
import { openFileSource } from '../worker/source/file/source.ts';
import { openKafkaSource } from '../worker/source/kafka/source.ts';
import type { Source } from '../worker/source/port.ts';

/** Opens a source; the first call connects. */
export function openSource(
  ingestion: CompiledIngestion,
  secrets: SecretLookup,
  log: Logger,
): Source {
  const { source } = ingestion;
  if (source.type === 'file') return openFileSource({ paths: source.paths });
  return openKafkaSource({
    connection: kafkaConnection(source, secrets, log),
    topic: source.topic,
    log,
  });
}

/** Connection of a Kafka source with its secrets resolved. */
export function kafkaConnection(
  source: CompiledKafkaSource,
  secrets: SecretLookup,
  log: Logger,
): KafkaConnectionOptions {
  const { tls, sasl } = source;
  return {
    bootstrapServers: source.bootstrapServers,
    clientId: 'sluice',
    log,
    ...(tls === null ? {} : { tls: tlsOf(tls, secrets) }),
    ...(sasl === null
      ? {}
      : {
          sasl: {
            mechanism: sasl.mechanism,
            get username() {
              return secrets(sasl.username);
            },
            get password() {
              return secrets(sasl.password);
            },
          },
        }),
  };
}

/** Read whenever they are used: a mounted Secret changes under a running process. */
function tlsOf(
  tls: NonNullable<CompiledKafkaSource['tls']>,
  secrets: SecretLookup,
): NonNullable<KafkaConnectionOptions['tls']> {
  const options = {};
  for (const key of ['ca', 'cert', 'key'] as const) {
    const ref = tls[key];
    if (ref === undefined) continue;
    Object.defineProperty(options, key, { enumerable: true, get: () => secrets(ref) });
  }
  return options;
}

/** Secrets as Kubernetes mounts them: `<folder>/<name>/<key>`. */
export function secretsIn(folder: string | undefined): SecretLookup {
  return ({ name, key }) => {
    if (folder === undefined)
      throw new Failure(
        'config',
        'SecretMissing',
        `secret ${name}/${key}: SLUICE_SECRETS names no folder to read it from`,
      );
    try {
      return readFileSync(join(folder, name, key), 'utf8').trimEnd();
    } catch (error) {
      throw new Failure(
        'config',
        'SecretMissing',
        `secret ${name}/${key}: cannot be read (${messageOf(error)})`,
        error,
      );
    }
  };
}
