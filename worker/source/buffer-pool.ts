// Buffers that travel to the index thread and come back, so that reading does not feed the collector. Bounded:
// what does not fit is left to it.

/** Takes and gives back whole ArrayBuffers. */
export interface BufferPool {
  /** A view of `bytes` bytes over a buffer of its own, content undefined. */
  take(bytes: number): Uint8Array<ArrayBuffer>;
  /** Gives the buffer behind a view back; detached ones are ignored. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
}

// Classes are powers of two from 64 KiB, so that a returned buffer fits the next set of about its size.
const CLASS_MIN_BYTES = 64 * 1024;

/** A pool that keeps at most `bytesMax`. */
export function createBufferPool(bytesMax: number): BufferPool {
  const free = new Map<number, ArrayBuffer[]>();
  let kept = 0;
  const classOf = (bytes: number): number =>
    Math.max(CLASS_MIN_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, bytes))));
  return {
    take(bytes) {
      const size = classOf(bytes);
      const buffer = free.get(size)?.pop();
      if (buffer !== undefined) kept -= size;
      return new Uint8Array(buffer ?? new ArrayBuffer(size), 0, bytes);
    },
    give({ buffer }) {
      const size = buffer.byteLength;
      // Detached (0), foreign or one too many.
      if (size === 0 || size !== classOf(size) || kept + size > bytesMax) return;
      kept += size;
      const list = free.get(size);
      if (list === undefined) free.set(size, [buffer]);
      else list.push(buffer);
    },
  };
}
