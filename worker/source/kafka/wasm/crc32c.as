// AssemblyScript, compiled by build.ts into ../generated: CRC-32C (Castagnoli) by sixteen tables, 16 bytes a step.
// The step waits for its own look-ups, so three stretches are worked on at a time and joined afterwards: joining
// means to advance a checksum over as many zero bytes as the next stretch has, which is linear (four look-ups).
// The caller copies bytes behind `buffer(length)` and asks for their checksum.

const POLYNOMIAL: u32 = 0x82f63b78;
/** Bytes of one stretch; three fit the first-level cache beside the tables. */
const STRETCH: usize = 1024;
const TABLES: usize = memory.data(16 * 1024, 16);
/** For each byte of a checksum, what it becomes after STRETCH zero bytes. */
const SHIFTS: usize = memory.data(4 * 1024, 16);
const BUFFER: usize = 64 * 1024;

/** Fills the tables; once, before anything else. */
export function init(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
    store<u32>(TABLES + (n << 2), c);
  }
  for (let t: u32 = 1; t < 16; t++) {
    for (let n: u32 = 0; n < 256; n++) {
      const previous = load<u32>(TABLES + ((t - 1) << 10) + (n << 2));
      store<u32>(TABLES + (t << 10) + (n << 2), (previous >>> 8) ^ load<u32>(TABLES + ((previous & 255) << 2)));
    }
  }
  for (let byte: u32 = 0; byte < 4; byte++) {
    for (let n: u32 = 0; n < 256; n++) {
      let crc = n << (byte << 3);
      for (let i: usize = 0; i < STRETCH; i++) crc = (crc >>> 8) ^ look(0, crc);
      store<u32>(SHIFTS + (byte << 10) + (n << 2), crc);
    }
  }
}

/** Address of room for `length` bytes, the same each time; grows the memory when needed. */
export function buffer(length: i32): usize {
  const pages = <i32>((BUFFER + <usize>length + 65535) >>> 16);
  if (pages > memory.size()) memory.grow(pages - memory.size());
  return BUFFER;
}

function look(table: u32, byte: u32): u32 {
  return load<u32>(TABLES + (table << 10) + ((byte & 255) << 2));
}

function shift(crc: u32): u32 {
  return (
    load<u32>(SHIFTS + ((crc & 255) << 2)) ^
    load<u32>(SHIFTS + (1 << 10) + (((crc >>> 8) & 255) << 2)) ^
    load<u32>(SHIFTS + (2 << 10) + (((crc >>> 16) & 255) << 2)) ^
    load<u32>(SHIFTS + (3 << 10) + ((crc >>> 24) << 2))
  );
}

function at8(table: u32, at: usize): u32 {
  return load<u32>(TABLES + (table << 10) + (<usize>load<u8>(at) << 2));
}

// The bytes that the checksum so far does not touch are loaded one by one: cheaper than shifting them out of words.
function step(at: usize, crc: u32): u32 {
  const a = load<u32>(at) ^ crc;
  return (
    (((look(15, a) ^ look(14, a >>> 8)) ^ (look(13, a >>> 16) ^ look(12, a >>> 24))) ^
      ((at8(11, at + 4) ^ at8(10, at + 5)) ^ (at8(9, at + 6) ^ at8(8, at + 7)))) ^
    (((at8(7, at + 8) ^ at8(6, at + 9)) ^ (at8(5, at + 10) ^ at8(4, at + 11))) ^
      ((at8(3, at + 12) ^ at8(2, at + 13)) ^ (at8(1, at + 14) ^ at8(0, at + 15))))
  );
}

/** The checksum of the first `length` bytes of the buffer. */
export function checksum(length: i32): u32 {
  let crc: u32 = 0xffffffff;
  let at = BUFFER;
  const end = BUFFER + <usize>length;
  while (at + 3 * STRETCH <= end) {
    let second: u32 = 0;
    let third: u32 = 0;
    for (const stop = at + STRETCH; at < stop; at += 16) {
      crc = step(at, crc);
      second = step(at + STRETCH, second);
      third = step(at + 2 * STRETCH, third);
    }
    crc = shift(shift(crc) ^ second) ^ third;
    at += 2 * STRETCH;
  }
  for (; at + 16 <= end; at += 16) crc = step(at, crc);
  for (; at < end; at++) crc = (crc >>> 8) ^ look(0, crc ^ load<u8>(at));
  return crc ^ 0xffffffff;
}
