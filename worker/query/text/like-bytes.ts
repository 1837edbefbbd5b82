// LIKE patterns on the UTF-8 bytes of dictionary entries, so that no text is made of entries that do not match. Fed by
// text-matcher.ts; text-predicate.ts has the same test on text. Source: druid-query-api.md 7.1.

import { ANY, likeTokens, ONE } from './text-predicate.ts';

/** A test on bytes `start .. end-1`, which are UTF-8. */
export type BytesTest = (bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * The test of a pattern; null when it cannot be told by bytes: `_` stands for a character, not for a byte, and text that
 * is no valid Unicode has no bytes of its own.
 */
export function likeBytesTest(pattern: string, escape: string | null): BytesTest | null {
  if (!pattern.isWellFormed() || pattern.includes('\ufffd')) return null;
  const pieces = [''];
  for (const token of likeTokens(pattern, escape).tokens) {
    if (token === ONE) return null;
    if (token === ANY) pieces.push('');
    else pieces.push((pieces.pop() ?? '') + token);
  }
  const [first = EMPTY, ...others] = pieces.map((piece) => Buffer.from(piece));
  const last = others.pop();
  if (last === undefined)
    return (bytes, start, end) => end - start === first.length && isAt(bytes, start, first);
  const middle = others.filter((piece) => piece.length > 0);
  return (bytes, start, end) => {
    const stop = end - last.length;
    let at = start + first.length;
    if (at > stop || !isAt(bytes, start, first) || !isAt(bytes, stop, last)) return false;
    for (const piece of middle) {
      const found = find(bytes, at, stop, piece);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return true;
  };
}

const EMPTY = new Uint8Array(0);

/** Whether the piece lies at a place; there is room for it. */
function isAt(bytes: Uint8Array, at: number, piece: Uint8Array): boolean {
  for (let i = 0; i < piece.length; i++) if (bytes[at + i] !== piece[i]) return false;
  return true;
}

/** The first place in `from .. to-1` where all of the piece lies, or -1. */
function find(bytes: Uint8Array, from: number, to: number, piece: Uint8Array): number {
  const first = piece[0]!;
  const end = to - piece.length;
  for (let at = from; at <= end; at++) if (bytes[at] === first && isAt(bytes, at, piece)) return at;
  return -1;
}
