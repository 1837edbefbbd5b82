// The first few of many by an order, without sorting them all. Used by topN and by groupBy with a limit.

/** Negative, zero or positive. */
export type SlotOrder = (a: number, b: number) => number;

/**
 * The first `most` slots in `order`; ties keep ascending slot order. `slots` must be ascending.
 *
 * Keeps a heap of the best so far, its worst on top, so that most slots cost one comparison.
 */
export function firstOf(slots: ArrayLike<number>, order: SlotOrder, most: number): number[] {
  const compare: SlotOrder = (a, b) => order(a, b) || a - b;
  if (most * 4 >= slots.length) return Array.from(slots).sort(compare).slice(0, most);
  const heap: number[] = [];
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    if (heap.length < most) siftUp(heap, heap.push(slot) - 1, compare);
    else if (compare(slot, heap[0]!) < 0) {
      heap[0] = slot;
      siftDown(heap, compare);
    }
  }
  return heap.sort(compare);
}

/** The `n`th least of the values, 1 = the least; no value may be NaN. At least `n` values. */
export function nthLeast(values: Float64Array, n: number): number {
  const heap = values.slice(0, n).sort().reverse();
  // The greatest of the least so far is on top; most values are not below it.
  for (let i = n; i < values.length; i++) {
    const value = values[i]!;
    if (value < heap[0]!) sink(heap, value);
  }
  return heap[0] ?? Number.NaN;
}

/** Puts `value` in the place of the top. */
function sink(heap: Float64Array, value: number): void {
  const { length } = heap;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && heap[child + 1]! > heap[child]!) child++;
    if (heap[child]! <= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
}

function siftUp(heap: number[], from: number, compare: SlotOrder): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (compare(heap[at]!, heap[parent]!) <= 0) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown(heap: number[], compare: SlotOrder): void {
  let at = 0;
  for (;;) {
    let worst = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && compare(heap[child]!, heap[worst]!) > 0) worst = child;
    }
    if (worst === at) return;
    swap(heap, at, worst);
    at = worst;
  }
}

function swap(heap: number[], a: number, b: number): void {
  const held = heap[a]!;
  heap[a] = heap[b]!;
  heap[b] = held;
}
