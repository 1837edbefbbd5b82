// The golden sets: unpacks their segments into a temporary folder and reads rows with all digits of their
// numbers. Used by the tests of this folder and by query tests.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { unzipSegment } from '../../worker/segment/zip.ts';

const GOLDEN = fileURLToPath(new URL('golden/', import.meta.url));

/** An unpacked golden segment. */
export interface GoldenSegment {
  readonly set: string;
  /** `segment-0`, or the name of the index settings it was written with. */
  readonly name: string;
  readonly dir: string;
}

/** All golden segments, and the removal of their folder. */
export interface GoldenSegments {
  readonly root: string;
  readonly segments: readonly GoldenSegment[];
  close(): void;
}

/** Unpacks every segment, or those of one set. */
export async function openGolden(only?: string): Promise<GoldenSegments> {
  const root = mkdtempSync(join(tmpdir(), 'golden-'));
  const segments: GoldenSegment[] = [];
  const sets = readdirSync(GOLDEN, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name: set } of sets) {
    if (only !== undefined && set !== only) continue;
    for (const zip of readdirSync(join(GOLDEN, set)).filter((file) => file.endsWith('.zip'))) {
      const name = basename(zip, '.zip');
      const dir = join(root, set, name);
      await unzipSegment(join(GOLDEN, set, zip), dir, { bytesMax: 64 << 20 });
      segments.push({ set, name, dir });
    }
  }
  return { root, segments, close: () => rmSync(root, { recursive: true, force: true }) };
}

/** The lines of a fixture, unpacked when its name says so. */
export function goldenLines(set: string, file: string): string[] {
  const bytes = readFileSync(join(GOLDEN, set, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.trimEnd().split('\n');
}

/** A number of a JSON text as it is written there. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Parses JSON without rounding: numbers become {@link NumberText}. */
export function parseExact(line: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
  return parse(line, (_key, value, context) =>
    typeof value === 'number' ? new NumberText(context.source ?? String(value)) : value,
  );
}
