// `sluice delete`: what deleting a resource means for its state, by its deletionPolicy, where no operator on Kubernetes
// does it. The processes of the resource must have stopped.

import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openLocalStorage } from '../../core/deepstorage/local/storage.ts';
import { openEmbeddedStore } from '../../core/metadata/embedded/store.ts';
import { purgeIngestion, statesOf } from '../../operator/reconcile/deletion.ts';
import { openStorage, openStore } from '../connections.ts';
import { loadResources } from '../resources.ts';
import { UsageError } from '../usage.ts';

/** Applies the deletionPolicy of each resource; `--data` names the folder of `sluice local`, else the environment is used. */
export async function runDelete(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { file: { type: 'string', short: 'f', multiple: true }, data: { type: 'string' } },
  });
  const files = values.file ?? [];
  if (files.length === 0) throw new UsageError('give at least one -f FILE');
  const data = values.data === undefined ? undefined : resolve(values.data);
  const store =
    data === undefined ? openStore() : openEmbeddedStore({ path: join(data, 'metadata.sqlite') });
  const storage = data === undefined ? openStorage() : openLocalStorage(join(data, 'deep-storage'));
  try {
    for (const ingestion of loadResources(files)) {
      const name = `${ingestion.namespace}/${ingestion.name}`;
      if (ingestion.deletionPolicy === 'Retain') {
        const kept = await statesOf(store, ingestion.namespace, ingestion.name);
        process.stdout.write(
          `${name}: deletionPolicy Retain keeps offsets and segments (${kept.length} states); applied again, it goes on where it stopped\n`,
        );
        continue;
      }
      const { segments, keys } = await purgeIngestion(
        { store, storage },
        ingestion,
        new AbortController().signal,
      );
      process.stdout.write(`${name}: purged ${segments} segments and ${keys} keys\n`);
    }
  } finally {
    await store.close();
  }
  return 0;
}
