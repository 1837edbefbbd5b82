// The entries of a lookup as a Map, made once however many views and columns use it. Used by extraction functions and by
// expressions.

type Entries = Readonly<Record<string, string | null>>;

const made: WeakMap<Entries, ReadonlyMap<string, string | null>> = new WeakMap();

/** The entries as a map. */
export function textMapOf(entries: Entries): ReadonlyMap<string, string | null> {
  let map = made.get(entries);
  if (map === undefined) {
    map = new Map(Object.entries(entries));
    made.set(entries, map);
  }
  return map;
}
