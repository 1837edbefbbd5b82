// Decoded blocks of all segments of a process, bounded by bytes. Filled by the column readers through
// CachedBlocks; the least recently used half goes first (second chance). Not shared between threads.

/** A decoded block in the cache. `slots` and `index` say where its owner looks for it. */
interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
  readonly slots: (Entry<T> | undefined)[];
  readonly index: number;
  used: boolean;
}

/** What a decoder returns: the block and the bytes it holds. */
export interface Decoded<T> {
  readonly value: T;
  readonly bytes: number;
}

/** The bound. One for all segments of a thread. */
export class BlockCache {
  readonly #bytesMax: number;
  readonly #entries = new Set<Entry<unknown>>();
  #bytes = 0;

  /** @param bytesMax  decoded bytes kept at most; a block just read is usable even if it alone is larger */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Decoded bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Puts a block where its owner looks for it, and evicts others to stay within the bound. */
  add<T>(decoded: Decoded<T>, slots: (Entry<T> | undefined)[], index: number): T {
    const entry: Entry<T> = { ...decoded, slots, index, used: false };
    slots[index] = entry;
    this.#entries.add(entry);
    this.#bytes += decoded.bytes;
    this.#evict();
    return decoded.value;
  }

  /** Forgets the blocks of one owner. */
  drop<T>(slots: (Entry<T> | undefined)[]): void {
    slots.forEach((entry) => {
      if (entry !== undefined) this.#remove(entry);
    });
  }

  #evict(): void {
    for (const entry of this.#entries) {
      if (this.#bytes <= this.#bytesMax) return;
      if (entry.used) {
        // A second chance: to the end of the queue, where the loop meets it again unmarked.
        entry.used = false;
        this.#entries.delete(entry);
        this.#entries.add(entry);
      } else {
        this.#remove(entry);
      }
    }
  }

  #remove(entry: Entry<unknown>): void {
    if (!this.#entries.delete(entry)) return;
    this.#bytes -= entry.bytes;
    entry.slots[entry.index] = undefined;
  }
}

/** The numbered blocks of one owner, decoded when first asked for. */
export class CachedBlocks<T> {
  readonly #cache: BlockCache;
  readonly #decode: (index: number) => Decoded<T>;
  readonly #slots: (Entry<T> | undefined)[] = [];

  constructor(cache: BlockCache, decode: (index: number) => Decoded<T>) {
    this.#cache = cache;
    this.#decode = decode;
  }

  /** Block `index`; the caller checks that it exists. */
  get(index: number): T {
    const entry = this.#slots[index];
    if (entry !== undefined) {
      entry.used = true;
      return entry.value;
    }
    return this.#cache.add(this.#decode(index), this.#slots, index);
  }

  /** Forgets every block. */
  close(): void {
    this.#cache.drop(this.#slots);
  }
}

/** What every reader of a column needs besides its file. */
export interface ReadContext {
  readonly cache: BlockCache;
  /** Resources to release when the segment is closed. */
  readonly closers: (() => void)[];
}

/** Blocks that are forgotten when the segment is closed. */
export function cachedBlocks<T>(
  context: ReadContext,
  decode: (index: number) => Decoded<T>,
): CachedBlocks<T> {
  const blocks = new CachedBlocks(context.cache, decode);
  context.closers.push(() => blocks.close());
  return blocks;
}
