// The container of a segment folder: version.bin, factory.json, and meta.smoosh, the text index of the internal
// files inside the chunk files. Reader and writer of the index; the files are opened by segment-files.ts.
// Source: druid-segment-format.md 1.
//
//   meta.smoosh = line*              every line ends in LF
//   first line  = v1,<max chunk bytes>,<chunk files>
//   others      = <name>,<chunk>,<start>,<end>      sorted by name, end exclusive

/** Bytes of `version.bin`. */
export const VERSION_BYTES: Uint8Array = Uint8Array.of(0, 0, 0, 9);
/** Text of `factory.json`. */
export const FACTORY_JSON = '{"type":"mMapSegmentFactory"}';
/** The most bytes of a chunk file: offsets are signed 32-bit. */
export const CHUNK_BYTES_MAX = 2_147_483_647;

/** Where an internal file is. */
export interface SmooshEntry {
  readonly name: string;
  readonly chunk: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The content of meta.smoosh. */
interface SmooshIndex {
  readonly chunks: number;
  readonly entries: readonly SmooshEntry[];
}

/** The file name of a chunk. */
export function chunkName(chunk: number): string {
  return `${String(chunk).padStart(5, '0')}.smoosh`;
}

/** The text of meta.smoosh. */
export function writeSmooshIndex(
  index: SmooshIndex,
  chunkBytesMax: number = CHUNK_BYTES_MAX,
): string {
  const sorted = index.entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = sorted.map((e) => `${e.name},${e.chunk},${e.start},${e.end}\n`);
  return `v1,${chunkBytesMax},${index.chunks}\n${lines.join('')}`;
}

/** Reads meta.smoosh. @returns the index, or a text that says what is wrong with which line */
export function readSmooshIndex(text: string): SmooshIndex | string {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const head = (lines[0] ?? '').split(',');
  const chunks = Number(head[2]);
  if (head.length !== 3 || head[0] !== 'v1' || !isCount(chunks, 100_000)) {
    return `line 1 is '${cut(lines[0])}', expected v1,<max>,<files>`;
  }
  const entries: SmooshEntry[] = [];
  for (const [i, line] of lines.entries()) {
    if (i === 0) continue;
    const [name, ...numbers] = line.split(',');
    const [chunk = -1, start = -1, end = -1] = numbers.map(Number);
    const isRange =
      isCount(start, CHUNK_BYTES_MAX) && isCount(end, CHUNK_BYTES_MAX) && start <= end;
    if (name === undefined || numbers.length !== 3 || !isCount(chunk, chunks - 1) || !isRange) {
      return `line ${i + 1} is '${cut(line)}', expected <name>,<chunk>,<start>,<end>`;
    }
    entries.push({ name, chunk, start, end });
  }
  return { chunks, entries };
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function cut(line: string | undefined): string {
  return (line ?? '').slice(0, 80);
}
