// What a historical says of an order it could not carry out.

import { CODECS } from '../../../core/metadata/codecs.ts';
import type { Versioned } from '../../../core/metadata/port.ts';
import type { LoadOrder } from '../../../core/metadata/values.ts';
import { isFailure, messageOf } from '../../../core/runtime/failure.ts';
import type { HistoricalOptions } from './historical-options.ts';

/** Writes the failure into the order, for the coordinator to try elsewhere or again. */
export async function reportFailure(
  options: HistoricalOptions,
  entry: Versioned,
  order: LoadOrder,
  error: unknown,
): Promise<void> {
  const failed = {
    code: isFailure(error) ? error.code : 'InternalError',
    message: messageOf(error),
    attempts: 1,
  };
  options.log.warn('loading failed', { segment: order.segment.identifier, error });
  await options.store.transact({
    compare: [{ key: entry.key, modRevision: entry.modRevision }],
    writes: [{ put: entry.key, value: CODECS.order.encode({ ...order, failed }) }],
  });
}
