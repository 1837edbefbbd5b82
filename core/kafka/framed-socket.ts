// Sockets for kafkajs that hand over whole answers. Its own way keeps every 64 KiB piece and joins them into a
// new buffer, so that each fetch touches fresh memory twice; here pieces land in one frame that is used again.

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** What kafkajs passes to a socket factory. */
export interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl?: ConnectionOptions | null;
  readonly onConnect: () => void;
}

const KEEP_ALIVE_MS = 60_000;
// Read from the kernel at once; fits the second-level cache, from which it is copied on.
const READ_BYTES = 256 * 1024;
// Smaller answers get memory of their own: several may be under way at once.
const SHARED_FROM_BYTES = 64 * 1024;
// An answer above this is no answer of Kafka's but another protocol's text read as a length.
const ANSWER_BYTES_MAX = 512 * 1024 * 1024;

/**
 * A connected socket that emits each answer, length prefix included, as one `data` event.
 *
 * An answer of 64 KiB or more is valid until the next one of its socket: whoever asked must have taken what it
 * needs before it asks again on that socket. Fetches do, and have a socket of their own.
 */
export function connectFramed({ host, port, ssl, onConnect }: SocketRequest): Socket {
  if (ssl !== undefined && ssl !== null) {
    // TLS decrypts into buffers of its own; there is nothing to save here.
    const secure = connectTls(
      { host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl },
      onConnect,
    );
    secure.setKeepAlive(true, KEEP_ALIVE_MS);
    return secure;
  }
  const assembler = createAssembler((frame) => socket.emit('data', frame));
  const onread = {
    buffer: Buffer.allocUnsafe(READ_BYTES),
    callback(bytes: number, buffer: Uint8Array): boolean {
      const isFine = assembler(buffer, bytes);
      if (!isFine) socket.destroy(new Error('the peer does not speak the Kafka protocol'));
      return isFine;
    },
  };
  const socket = connect({ host, port, onread }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}

/**
 * Joins pieces of a stream into frames of a four-byte length and as many bytes.
 *
 * @returns a function that takes the first `bytes` of a piece; false when a length is impossible
 */
export function createAssembler(
  onFrame: (frame: Buffer) => void,
): (piece: Uint8Array, bytes: number) => boolean {
  const prefix = Buffer.alloc(4);
  let prefixBytes = 0;
  let frame: Buffer | undefined;
  let filled = 0;
  let shared = Buffer.alloc(0);

  function begin(length: number, isSharedFree: boolean): Buffer {
    const bytes = length + 4;
    if (bytes < SHARED_FROM_BYTES || !isSharedFree) return Buffer.allocUnsafe(bytes);
    if (shared.length < bytes) shared = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(bytes)));
    return shared.subarray(0, bytes);
  }

  return (piece, bytes) => {
    // A second large answer in the same piece would overwrite the first before anybody has seen it.
    let isSharedFree = true;
    for (let at = 0; at < bytes;) {
      if (frame === undefined) {
        while (prefixBytes < 4 && at < bytes) prefix[prefixBytes++] = piece[at++] ?? 0;
        if (prefixBytes < 4) return true;
        const length = prefix.readInt32BE(0);
        if (length < 0 || length > ANSWER_BYTES_MAX) return false;
        frame = begin(length, isSharedFree);
        prefix.copy(frame);
        filled = 4;
      }
      const count = Math.min(bytes - at, frame.length - filled);
      frame.set(piece.subarray(at, at + count), filled);
      filled += count;
      at += count;
      if (filled < frame.length) return true;
      const whole = frame;
      frame = undefined;
      prefixBytes = 0;
      if (whole.buffer === shared.buffer) isSharedFree = false;
      onFrame(whole);
    }
    return true;
  };
}
