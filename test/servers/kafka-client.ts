// kafkajs as tests want it: silent, with all codecs, transactions. What the product itself sends goes through
// core/kafka; this is the other side, a producer of a user.

import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs, { type Kafka } from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappyjs';

// Node finds only some of the names of this CommonJS package.
const { CompressionCodecs, CompressionTypes } = kafkajs;

CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(zstdCompressSync(buffer)),
  decompress: (buffer: Buffer) => Promise.resolve(zstdDecompressSync(buffer)),
});
CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) =>
    Promise.resolve(gzipSync(buffer, { level: constants.Z_BEST_SPEED })),
  decompress: (buffer: Buffer) => Promise.resolve(gunzipSync(buffer)),
});
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => lz4.compressFrame(buffer),
  decompress: (buffer: Buffer) => lz4.decompressFrame(buffer),
});
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) =>
    Promise.resolve(Buffer.from(snappy.compress(buffer))),
  decompress: (buffer: Buffer) => Promise.resolve(Buffer.from(snappy.uncompress(buffer))),
});

/** A client of the broker at `host:port`. Codecs are registered for the whole process. */
export function testKafka(broker: string): Kafka {
  return new kafkajs.Kafka({
    clientId: 'test',
    brokers: [broker],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 5000,
    retry: { retries: 10, initialRetryTime: 50 },
  });
}
