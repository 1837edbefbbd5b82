// AssemblyScript, compiled by build.ts into ../generated: CRC-32C (Castagnoli) by sixteen tables, 16 bytes a step.
// The caller copies bytes behind `buffer(length)` and asks for their checksum.

const POLYNOMIAL: u32 = 0x82f63b78;
const TABLES: usize = memory.data(16 * 1024, 16);
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

/** The checksum of the first `length` bytes of the buffer. */
export function checksum(length: i32): u32 {
  let crc: u32 = 0xffffffff;
  let at = BUFFER;
  const end = BUFFER + <usize>length;
  for (; at + 16 <= end; at += 16) {
    const a = load<u32>(at) ^ crc;
    const b = load<u32>(at, 4);
    const c = load<u32>(at, 8);
    const d = load<u32>(at, 12);
    crc =
      look(15, a) ^ look(14, a >>> 8) ^ look(13, a >>> 16) ^ look(12, a >>> 24) ^
      look(11, b) ^ look(10, b >>> 8) ^ look(9, b >>> 16) ^ look(8, b >>> 24) ^
      look(7, c) ^ look(6, c >>> 8) ^ look(5, c >>> 16) ^ look(4, c >>> 24) ^
      look(3, d) ^ look(2, d >>> 8) ^ look(1, d >>> 16) ^ look(0, d >>> 24);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ look(0, crc ^ load<u8>(at));
  return crc ^ 0xffffffff;
}
