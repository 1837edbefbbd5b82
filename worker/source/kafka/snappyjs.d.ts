// snappyjs 0.7.0 has no types of its own.

declare module 'snappyjs' {
  const snappy: {
    compress(bytes: Uint8Array): Uint8Array;
    /** Throws when the stated length is above `maxLength`. */
    uncompress(bytes: Uint8Array, maxLength?: number): Uint8Array;
  };
  export default snappy;
}
