import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAssembler } from './framed-socket.ts';

function frameOf(length: number, fill: number): Buffer {
  const frame = Buffer.alloc(length + 4, fill);
  frame.writeInt32BE(length);
  return frame;
}

test('frames come whole and unmixed, however the stream is cut', () => {
  let checked = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(50), fc.integer({ min: 60_000, max: 200_000 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: 1, max: 300_000 }),
      (lengths, cut) => {
        const frames = lengths.map((length, i) => frameOf(length, i + 1));
        const stream = Buffer.concat(frames);
        const got: Buffer[] = [];
        let inPiece: { frame: Buffer; copy: Buffer }[] = [];
        const feed = createAssembler(
          (frame) => void inPiece.push({ frame, copy: Buffer.from(frame) }),
        );
        for (let at = 0; at < stream.length; at += cut) {
          const piece = Buffer.from(stream.subarray(at, at + cut));
          expect(feed(piece, piece.length)).toBe(true);
          // All frames of one piece are intact until the next piece comes.
          for (const { frame, copy } of inPiece) {
            expect(frame.equals(copy)).toBe(true);
            got.push(copy);
          }
          inPiece = [];
        }
        expect(got.length).toBe(frames.length);
        for (const [i, frame] of frames.entries()) expect(got[i]?.equals(frame)).toBe(true);
        checked++;
      },
    ),
    { numRuns: 60 },
  );
  expect(checked).toBe(60);
});

test('a length that no answer has is refused and not allocated', () => {
  const feed = (hex: string): boolean =>
    createAssembler(() => undefined)(Buffer.from(hex, 'hex'), hex.length / 2);
  expect(feed('ffffffff')).toBe(false);
  // "HTTP" read as a length.
  expect(feed('48545450')).toBe(false);
});
