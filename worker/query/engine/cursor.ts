// Where a query stands in a view. Moved by selection.ts; read by every source.

/** The vector being worked on. Sources compare `serial` to know whether what they loaded is still current. */
export class Cursor {
  from = 0;
  count = 0;
  serial = 0;

  /** Moves to rows `from .. from+count-1`; at most VECTOR_ROWS. */
  move(from: number, count: number): void {
    this.from = from;
    this.count = count;
    this.serial++;
  }
}
