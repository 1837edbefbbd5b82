import { expect, test } from 'vitest';
import { CODECS } from '../../../core/metadata/codecs.ts';
import { openEmbeddedStore } from '../../../core/metadata/embedded/store.ts';
import { lookupKey } from '../../../core/metadata/keys.ts';
import { NO_LOG } from '../../../core/runtime/log.ts';
import { LookupRegistry } from './lookup-registry.ts';

const value = (map: Record<string, string>): string =>
  CODECS.lookup.encode({ version: null, map, rest: { type: 'map' } });

test('follows the store; what cannot be read is as good as absent', async () => {
  const store = openEmbeddedStore({ path: ':memory:' });
  const put = (name: string, text: string): Promise<unknown> =>
    store.transact({ compare: [], writes: [{ put: lookupKey('__default', name), value: text }] });
  await put('early/and odd', value({ a: '1' }));
  await store.transact({
    compare: [],
    writes: [{ put: lookupKey('other', 'x'), value: value({}) }],
  });
  const registry = new LookupRegistry(store, NO_LOG);
  await registry.ready;
  expect(registry.entries('early/and odd')).toEqual({ a: '1' });
  expect(registry.entries('x')).toBeUndefined();

  await put('late', value({ b: '2' }));
  await expect.poll(() => registry.entries('late')).toEqual({ b: '2' });
  await put('late', value({ b: '3' }));
  await expect.poll(() => registry.entries('late')).toEqual({ b: '3' });
  await put('late', '{"v":99}');
  await expect.poll(() => registry.entries('late')).toBeUndefined();
  await store.transact({
    compare: [],
    writes: [{ delete: lookupKey('__default', 'early/and odd') }],
  });
  await expect.poll(() => registry.entries('early/and odd')).toBeUndefined();
  registry.close();
  await store.close();
});
