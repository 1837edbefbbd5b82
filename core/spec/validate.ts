// Text or parsed YAML -> a resource known to be sound, or a list of problems that name field, value and fix.
// The schema says what a field may be; the rules here say what fields may be together, and refuse by name the fields
// whose feature is not built. Used by `sluice validate`, `sluice local` and the operator.

import { LineCounter, parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { Failure } from '../runtime/failure.ts';
import type { RealtimeIngestion } from './realtime-ingestion.ts';
import { crossFieldProblems } from './rules.ts';
import type { SpecProblem } from './spec-problem.ts';
import { realtimeIngestionSchema } from './schema.ts';

/** Longest resource text read, bytes. */
const MAX_SPEC_BYTES = 1_048_576;

/** Checks a parsed resource. Either the resource, or at least one problem. */
export function validateIngestion(
  value: unknown,
):
  | { readonly resource: RealtimeIngestion; readonly problems: readonly [] }
  | { readonly resource: undefined; readonly problems: readonly SpecProblem[] } {
  const parsed = realtimeIngestionSchema.safeParse(value);
  if (!parsed.success) {
    return {
      resource: undefined,
      problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, value)),
    };
  }
  const problems = crossFieldProblems(parsed.data);
  return problems.length === 0
    ? { resource: parsed.data, problems: [] }
    : { resource: undefined, problems };
}

/**
 * Reads one or more YAML (or JSON) documents.
 *
 * @throws Failure `config` YamlInvalid with line and column, or SpecInvalid with every problem on its own line
 */
export function readIngestions(text: string, file: string): readonly RealtimeIngestion[] {
  if (Buffer.byteLength(text) > MAX_SPEC_BYTES) {
    throw new Failure(
      'config',
      'YamlInvalid',
      `${file}: longer than ${MAX_SPEC_BYTES} bytes; a resource is a few kilobytes`,
    );
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: true });
  const out: RealtimeIngestion[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error !== undefined)
      throw new Failure('config', 'YamlInvalid', `${file}: ${error.message.trimEnd()}`, error);
    const value: unknown = document.toJS({ maxAliasCount: 50 });
    if (value === null || value === undefined) continue;
    const { resource, problems } = validateIngestion(value);
    if (resource === undefined) {
      const list = problems.map((p) => `  ${p.field}: ${p.message}`).join('\n');
      throw new Failure('config', 'SpecInvalid', `${file}: the resource is not valid\n${list}`);
    }
    out.push(resource);
  }
  if (out.length === 0)
    throw new Failure(
      'config',
      'YamlInvalid',
      `${file}: holds no resource; expected kind: RealtimeIngestion`,
    );
  return out;
}

function problemsOf(issue: z.core.$ZodIssue, root: unknown): SpecProblem[] {
  const field = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: field === '' ? key : `${field}.${key}`,
      message:
        'unknown field; remove it or check its spelling (see docs/reference/realtime-ingestion.md)',
    }));
  }
  const value = valueAt(root, issue.path);
  const isMissing = value === undefined;
  const shown = isMissing ? '' : `value ${shorten(value)}: `;
  const message = isMissing ? `is required; ${issue.message}` : issue.message;
  return [{ field: field === '' ? 'resource' : field, message: `${shown}${message}` }];
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((p, i) => (typeof p === 'number' ? `[${p}]` : `${i === 0 ? '' : '.'}${String(p)}`))
    .join('');
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
