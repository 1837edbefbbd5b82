import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { valueJson } from '../finish/json.ts';
import { compileExpression } from './compile.ts';
import { parseExpression } from './parser.ts';

// What Druid 37 computes (test/druid/oracle, a scan of one row whose `language` is `en`), expression by expression.

interface Recorded {
  readonly expression: string;
  /** JSON text of the value. */
  readonly json: string;
}

const recorded = readFileSync(new URL('testdata/druid-37.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

test.each(recorded)('$expression', ({ expression, json }) => {
  const get = compileExpression(
    parseExpression(expression),
    (name) => () => (name === 'language' ? 'en' : null),
  );
  expect(valueJson(get(0))).toBe(json);
});

test('many were recorded', () => expect(recorded.length).toBeGreaterThan(200));
