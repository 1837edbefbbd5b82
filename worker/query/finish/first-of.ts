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
