// Where something is in a segment, for messages. Implemented by internal-file.ts; used by decoders that read what an
// internal file, or the file of hashes, holds.

import type { Failure } from '../../core/runtime/failure.ts';

/** Something that can say where in a segment it is broken. */
export interface Place {
  /** A `corrupt` Failure that names segment folder, file (= column, for internal files) and offset in it. */
  corrupt(offset: number, what: string): Failure;
}
