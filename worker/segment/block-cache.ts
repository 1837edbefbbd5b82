// Decoded blocks of all segments of a process, bounded by bytes. Filled by the column readers through
// CachedBlocks; the least recently used half goes first (second chance). Not shared between threads.
//
// Blocks that a scan reads pass through a short queue the first time and are kept when they are decoded again (2Q, Johnson and
// Shasha 1994): a scan of a large segment neither pushes out what others use nor writes all it reads to cold memory.
//
// Memory of a block that goes is used for the next one of its size: a scan of more than the bound would otherwise leave
// the collector as much as it reads. So a block is valid only until another is decoded, unless it is lent.

/** A decoded block in the cache. `slots` and `index` say where its owner looks for it. */
interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
  readonly buffer?: ArrayBuffer;
  readonly slots: (Entry<T> | undefined)[];
  readonly index: number;
  /** In the queue of those decoded for the first time. */
  readonly isRecent: boolean;
  used: boolean;
  /** Somebody may still read it after it went. */
  isLent: boolean;
}

/** Memory of so many bytes, whatever is in it. */
export type TakeBytes = (bytes: number) => ArrayBuffer;

/** What a decoder returns: the block and the bytes it holds. */
export interface Decoded<T> {
  readonly value: T;
  readonly bytes: number;
  /** All memory of the block, where nobody reads the value later than {@link CachedBlocks} says. */
  readonly buffer?: ArrayBuffer;
}

/** Memory of closed segments that is kept for others: this part of the bound. */
const FREE_PART = 8;
/** Blocks decoded for the first time: what the caches of a processor hold, and at most this part of the bound. */
const RECENT_BYTES = 512 * 1024;
const RECENT_PART = 8;

/** The bound. One for all segments of a thread. */
export class BlockCache {
  readonly #bytesMax: number;
  readonly #entries = new Set<Entry<unknown>>();
  /** The oldest first. */
  readonly #recent = new Set<Entry<unknown>>();
  readonly #recentMax: number;
  #recentBytes = 0;
  #bytes = 0;
  /** By length. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #freeBytes = 0;

  /** @param bytesMax  decoded bytes kept at most; a block just read is usable even if it alone is larger */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#recentMax = Math.min(RECENT_BYTES, bytesMax / RECENT_PART);
  }

  /** Decoded bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The same and the memory kept for more, which the bound is of. */
  get heldBytes(): number {
    return this.#bytes + this.#freeBytes;
  }

  /** Memory for a block: that of one which is evicted for it, or which went with its segment, or new. */
  readonly take: TakeBytes = (bytes) => {
    const kept = this.#free.get(bytes)?.pop();
    if (kept !== undefined) {
      this.#freeBytes -= bytes;
      return kept;
    }
    while (this.heldBytes + bytes > this.#bytesMax) {
      if (this.#freeBytes > 0) this.#forgetFree();
      else {
        const evicted = this.#evictOne();
        if (evicted === undefined) break;
        const buffer = reusable(evicted);
        if (buffer?.byteLength === bytes) return buffer;
      }
    }
    return new ArrayBuffer(bytes);
  };

  /** The same for a block decoded for the first time: mostly that of the oldest such. */
  readonly takeRecent: TakeBytes = (bytes) => {
    this.#shortenRecent(bytes);
    return this.take(bytes);
  };

  /** Puts a block where its owner looks for it, and evicts others to stay within the bound. */
  add<T>(
    decoded: Decoded<T>,
    place: { readonly slots: (Entry<T> | undefined)[]; readonly index: number },
    isRecent: boolean,
  ): Entry<T> {
    const entry: Entry<T> = { ...decoded, ...place, isRecent, used: false, isLent: false };
    if (isRecent) {
      this.#shortenRecent(decoded.bytes);
      this.#recentBytes += decoded.bytes;
    }
    place.slots[place.index] = entry;
    (isRecent ? this.#recent : this.#entries).add(entry);
    this.#bytes += decoded.bytes;
    if (this.heldBytes > this.#bytesMax) this.#forgetFree();
    while (this.#bytes > this.#bytesMax && this.#evictOne() !== undefined);
    return entry;
  }

  /** Forgets the blocks of one owner. */
  drop<T>(slots: (Entry<T> | undefined)[]): void {
    slots.forEach((entry) => {
      if (entry !== undefined) this.#release(entry);
    });
  }

  /** Makes room for so many bytes among the recent. */
  #shortenRecent(bytes: number): void {
    for (const entry of this.#recent) {
      if (this.#recentBytes + bytes <= this.#recentMax) return;
      this.#release(entry);
    }
  }

  #release(entry: Entry<unknown>): void {
    this.#remove(entry);
    const buffer = reusable(entry);
    if (buffer !== undefined) this.#keepFree(buffer);
  }

  /** Evicts the block that was not used for longest; of the recent only where there is no other. */
  #evictOne(): Entry<unknown> | undefined {
    for (const entry of this.#entries) {
      if (!entry.used) {
        this.#remove(entry);
        return entry;
      }
      // A second chance: to the end of the queue, where the loop meets it again unmarked.
      entry.used = false;
      this.#entries.delete(entry);
      this.#entries.add(entry);
    }
    const [oldest] = this.#recent;
    if (oldest !== undefined) this.#remove(oldest);
    return oldest;
  }

  #remove(entry: Entry<unknown>): void {
    if (!(entry.isRecent ? this.#recent : this.#entries).delete(entry)) return;
    this.#bytes -= entry.bytes;
    if (entry.isRecent) this.#recentBytes -= entry.bytes;
    entry.slots[entry.index] = undefined;
  }

  #keepFree(buffer: ArrayBuffer): void {
    const { byteLength } = buffer;
    if (this.#freeBytes + byteLength > this.#bytesMax / FREE_PART) return;
    if (this.heldBytes + byteLength > this.#bytesMax) return;
    const list = this.#free.get(byteLength);
    if (list === undefined) this.#free.set(byteLength, [buffer]);
    else list.push(buffer);
    this.#freeBytes += byteLength;
  }

  #forgetFree(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

/** The memory of a block that went, unless somebody may still read it. */
function reusable({ buffer, isLent }: Entry<unknown>): ArrayBuffer | undefined {
  return isLent ? undefined : buffer;
}

/** The numbered blocks of one owner, decoded when first asked for. */
export class CachedBlocks<T> {
  readonly #cache: BlockCache;
  readonly #decode: (index: number, take: TakeBytes) => Decoded<T>;
  readonly #slots: (Entry<T> | undefined)[] = [];
  /** Blocks that were looked at before; undefined where that makes no difference. */
  readonly #seen: boolean[] | undefined;
  #lent: Entry<T> | undefined;

  constructor(
    cache: BlockCache,
    decode: (index: number, take: TakeBytes) => Decoded<T>,
    isScanned: boolean,
  ) {
    this.#cache = cache;
    this.#decode = decode;
    this.#seen = isScanned ? [] : undefined;
  }

  /** Block `index`, valid until any block of the cache is asked for; the caller checks that it exists. */
  get(index: number): T {
    return this.#entry(index).value;
  }

  /** The same, valid until the next call of this method: whatever is decoded meanwhile goes elsewhere. */
  lend(index: number): T {
    const entry = this.#entry(index);
    if (entry !== this.#lent) {
      if (this.#lent !== undefined) this.#lent.isLent = false;
      this.#lent = entry;
      entry.isLent = true;
    }
    return entry.value;
  }

  /** Whether {@link get} would find it decoded. */
  has(index: number): boolean {
    return this.#slots[index] !== undefined;
  }

  /**
   * True once, where the block is not decoded and was not looked at before: then it may be read without keeping it, as it
   * would soon go again. Who asks for it later decodes it to stay.
   */
  isFirstLook(index: number): boolean {
    if (this.has(index) || this.#seen === undefined || this.#seen[index] === true) return false;
    return (this.#seen[index] = true);
  }

  #entry(index: number): Entry<T> {
    const entry = this.#slots[index];
    if (entry === undefined) {
      const isRecent = this.isFirstLook(index);
      const take = isRecent ? this.#cache.takeRecent : this.#cache.take;
      return this.#cache.add(this.#decode(index, take), { slots: this.#slots, index }, isRecent);
    }
    entry.used = true;
    return entry;
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

/** Blocks that are forgotten when the segment is closed; scanned = mostly read one after the other. */
export function cachedBlocks<T>(
  context: ReadContext,
  decode: (index: number, take: TakeBytes) => Decoded<T>,
  isScanned = false,
): CachedBlocks<T> {
  const blocks = new CachedBlocks(context.cache, decode, isScanned);
  context.closers.push(() => blocks.close());
  return blocks;
}

/**
 * Calls `copy` for the parts of values `from .. from+count-1`, a block each: `n` values from `start` of the block, which belong at
 * `at`. Blocks hold `sizePer` values, the last may hold fewer.
 */
export function eachRun<T extends { readonly length: number }>(
  blocks: CachedBlocks<T>,
  sizePer: number,
  from: number,
  count: number,
  copy: (block: T, start: number, n: number, at: number) => void,
): void {
  let at = 0;
  while (at < count) {
    const index = Math.floor((from + at) / sizePer);
    const start = from + at - index * sizePer;
    const block = blocks.get(index);
    const n = Math.min(count - at, block.length - start);
    copy(block, start, n, at);
    at += n;
  }
}
