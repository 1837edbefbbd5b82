// Growing typed arrays over shared memory. The index keeps every column in SharedArrayBuffers, so that a frozen
// index reaches the build thread without a copy (architecture.md "Threads"). Growing makes a new buffer; views made
// before keep the old one, which stays valid for the rows they cover.

/** An Int32Array of `size` zeros in shared memory. */
export function sharedInts(size: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(size * 4));
}

/** A Uint8Array of `size` zeros in shared memory. */
export function sharedBytes(size: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(size));
}

/** A copy with room for at least `size` ints, at least doubled. */
export function grownInts(array: Int32Array, size: number): Int32Array {
  const out = sharedInts(Math.max(array.length * 2, size));
  out.set(array);
  return out;
}

/** A copy with room for at least `size` bytes, at least doubled. */
export function grownBytes(array: Uint8Array, size: number): Uint8Array {
  const out = sharedBytes(Math.max(array.length * 2, size));
  out.set(array);
  return out;
}
