// What a benchmark case is: opened once in a process of its own, then asked for one pass after the other. Implemented in
// cases/, run by case-process.ts, compared by rounds.ts.

/** What every case of a run is given. */
export interface CaseParams {
  readonly seed: number;
  readonly rows: number;
  /** Names of the dimensions in the group key. */
  readonly dimensions: readonly string[];
  /** False leaves out the CRC-32C of record batches; for cases that index record sets in memory. */
  readonly checkCrc?: boolean;
  /** Files of rows, one a line, and of the spec; for cases that build from them. */
  readonly file?: { readonly rows: string; readonly spec: string };
  /** A loaded topic, for cases that read one. */
  readonly kafka?: { readonly broker: string; readonly topic: string; readonly partitions: number };
}

/** The answer of a pass, compared between cases: a fast wrong case is an error. */
export interface Answer {
  readonly rows: number;
  /** Sums of the long fields over all rows. */
  readonly sums: readonly number[];
  /** Number of groups and a hash of all of them, in no order; absent when the case does not group. */
  readonly groups?: string;
}

/** One pass over all rows. Preparing and checking are outside of the measured part. */
export interface Pass {
  readonly wallMs: number;
  /** Processor time of the whole process, threads included. */
  readonly cpuMs: number;
  readonly answer: Answer;
}

/** An opened case. */
export interface BenchCase {
  pass(): Promise<Pass>;
  close(): Promise<void>;
}

/** The cases, named in camel case after their files in cases/. */
export type CaseName =
  | 'buildFile'
  | 'indexRecords'
  | 'jsonParse'
  | 'kafkajsMap'
  | 'persistIndex'
  | 'sluiceIngest';

/** Each file in cases/ exports `open` of this type. */
export type OpenCase = (params: CaseParams) => Promise<BenchCase>;

/** Runs `work` and measures it. */
export async function measured<T>(
  work: () => Promise<T> | T,
): Promise<{ readonly wallMs: number; readonly cpuMs: number; readonly value: T }> {
  const begunMs = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - begunMs, cpuMs: (user + system) / 1000, value };
}
