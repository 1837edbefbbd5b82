// What the operator asks of Kafka topics: partitions and offsets, over one connection a cluster and identity, however many
// ingestions read from it. A client each would cost megabytes each (operator.md 1.3). Used by `sluice operator`.

import { openKafkaCluster, type KafkaCluster } from '../core/kafka/cluster.ts';
import type { Logger } from '../core/runtime/log.ts';
import type { CompiledIngestion, SecretLookup } from '../core/spec/compiled.ts';
import type { StreamInspector } from '../operator/reconcile/cluster.ts';
import { inspectTopic } from '../worker/source/kafka/source.ts';
import { kafkaConnection, openSource } from './sources.ts';

interface Shared {
  readonly cluster: KafkaCluster;
  users: number;
}

/** Opens inspectors that share connections; a connection ends with its last user. */
export function streamInspectors(
  log: Logger,
): (ingestion: CompiledIngestion, secrets: SecretLookup) => StreamInspector {
  const clusters = new Map<string, Shared>();
  return (ingestion, secrets) => {
    const { source } = ingestion;
    if (source.type !== 'kafka') return openSource(ingestion, secrets, log);
    const connection = kafkaConnection(source, secrets, log);
    // The values of secrets are part of it: a changed password is another connection.
    const key = JSON.stringify({ ...connection, log: undefined });
    const shared = clusters.get(key) ?? { cluster: openKafkaCluster(connection), users: 0 };
    shared.users++;
    clusters.set(key, shared);
    let isOpen = true;
    return {
      ...inspectTopic(shared.cluster, source.topic),
      async close() {
        if (!isOpen) return;
        isOpen = false;
        if (--shared.users > 0) return;
        clusters.delete(key);
        await shared.cluster.close();
      },
    };
  };
}
