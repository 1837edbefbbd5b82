// Which hydrants of this worker are readable and which frozen pieces they have replaced. One place decides, on the
// main thread, what a query sees at an instant: everything the index thread holds except the replaced pieces, plus
// these hydrants. Fed by the persister; read by the data node. Invariant I2: each row once.

/** A hydrant as the query thread knows it. */
export interface OpenHydrant {
  /** Number of the open segment on the query thread. */
  readonly handle: number;
  readonly segmentId: string;
  readonly sequenceId: string;
}

/** Opens and closes segment folders on the query thread. */
export interface SegmentOpener {
  /** @throws Failure `corrupt` SegmentCorrupt */
  open(segmentId: string, dir: string): Promise<number>;
  /** Closes once running queries have let go of it. */
  close(handle: number): void;
}

/** The registry of one worker. */
export class PieceRegistry {
  readonly #opener: SegmentOpener;
  readonly #hydrants: Map<number, OpenHydrant> = new Map();
  readonly #replaced: Set<number> = new Set();

  constructor(opener: SegmentOpener) {
    this.#opener = opener;
  }

  /** Opens a hydrant without showing it to queries yet. */
  async open(hydrant: {
    segmentId: string;
    sequenceId: string;
    dir: string;
  }): Promise<OpenHydrant> {
    const handle = await this.#opener.open(hydrant.segmentId, hydrant.dir);
    return { handle, segmentId: hydrant.segmentId, sequenceId: hydrant.sequenceId };
  }

  /** Shows hydrants and hides the frozen pieces they hold, in one step. */
  replace(pieces: readonly number[], hydrants: readonly OpenHydrant[]): void {
    for (const hydrant of hydrants) this.#hydrants.set(hydrant.handle, hydrant);
    for (const piece of pieces) this.#replaced.add(piece);
  }

  /** The index thread has dropped these pieces: no query needs to leave them out any more. */
  forgetReplaced(pieces: readonly number[]): void {
    for (const piece of pieces) this.#replaced.delete(piece);
  }

  /** Hydrants readable now. */
  hydrants(): readonly OpenHydrant[] {
    return [...this.#hydrants.values()];
  }

  /** Frozen pieces that hydrants have replaced. */
  replaced(): readonly number[] {
    return [...this.#replaced];
  }

  /** Forgets the hydrants of a sequence. */
  closeSequence(sequenceId: string): void {
    for (const hydrant of this.hydrants()) {
      if (hydrant.sequenceId !== sequenceId) continue;
      this.#hydrants.delete(hydrant.handle);
      this.#opener.close(hydrant.handle);
    }
  }
}
