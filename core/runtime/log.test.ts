import { expect, test } from 'vitest';
import { Failure } from './failure.ts';
import { createLogger } from './log.ts';

function capture(): { lines: Record<string, unknown>[]; write: (line: string) => void } {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => void lines.push(JSON.parse(line)) };
}

test('a line is one JSON object with level, time, bindings and message', () => {
  const { lines, write } = capture();
  createLogger({ level: 'info', write })
    .child({ role: 'ingest' })
    .info('announced', { segment: 's1' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'info',
    role: 'ingest',
    segment: 's1',
    message: 'announced',
  });
  expect(String(lines[0]?.['time'])).toMatch(/^\d{4}-.*Z$/);
});

test('secrets never get out', () => {
  const { lines, write } = capture();
  const log = createLogger({ level: 'info', write });
  log.info('x', {
    password: 'p1',
    sasl: { password: 'p2' },
    storage: { secretKey: 'p3' },
    tls: { key: 'p4' },
  });
  expect(JSON.stringify(lines)).not.toMatch(/p[1-4]/);
  expect(JSON.stringify(lines)).toContain('[redacted]');
});

test('an error tells kind, code and cause; only bugs and foreign errors bring a stack', () => {
  const { lines, write } = capture();
  const log = createLogger({ level: 'info', write });
  log.error('x', {
    error: new Failure('transient', 'StoreUnavailable', 'no answer', new Error('reset')),
  });
  const error = lines[0]?.['error'];
  expect(error).toMatchObject({
    kind: 'transient',
    code: 'StoreUnavailable',
    cause: { message: 'reset' },
  });
  expect(error).not.toHaveProperty('stack');
});
