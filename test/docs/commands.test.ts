// The commands of the README, as they stand there: run in a folder of their own, against the tutorial.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RoleProcess } from '../e2e/role-process.ts';
import { until } from '../e2e/waiting.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-readme-'));
const blocks = [
  ...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm),
];
const commands = blocks.flatMap(([, block = '']) => block.trim().split('\n'));

beforeAll(() => cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

function shell(command: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd: folder }, (error, out, err) => {
      resolve({ exit: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

test('every command of the README is one that is run here', () => {
  const kinds = commands.map(
    (line) => /^(npm ci|npm start|curl|npx sluice segment)/.exec(line)?.[0],
  );
  expect(kinds).toEqual([
    'npm ci',
    'npm start',
    'curl',
    'npx sluice segment',
    'npx sluice segment',
    'npx sluice segment',
  ]);
});

test('the segment commands', async () => {
  const results: Run[] = [];
  for (const line of commands.filter((command) => command.startsWith('npx sluice ')))
    results.push(
      await shell(line.replace('npx sluice', `"${process.execPath}" "${ROOT}cli/sluice.mjs"`)),
    );
  expect(results.map(({ exit, err }) => `${exit}${err}`)).toEqual(['0', '0', '0']);
  expect(results[1]?.out).toBe('{"ok":true,"rows":5}\n');
  expect(results[2]?.out.split('\n').filter((line) => line.includes('"page"'))).toHaveLength(6);
});

test('the tutorial: npm start, then curl', async ({ skip }) => {
  if ((await shell('curl --version')).exit !== 0) skip('curl is not installed');
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [, ...start] = (scripts['start'] ?? '').split(' ').slice(1);
  expect(start).toEqual(['local', '-f', 'examples/wikipedia.yaml']);
  const file = join(folder, 'examples/wikipedia.yaml');
  const options = ['--data', join(folder, 'data'), '--ports', '0,0,0,0'];
  const local = new RoleProcess('local', ['local', '-f', file, ...options], {});
  local.start();
  try {
    const port = await until('the broker listens', 20_000, () =>
      Promise.resolve(local.lines.findLast((l) => l.message === 'broker listens')?.['port']),
    );
    const curl = commands.find((line) => line.startsWith('curl ')) ?? '';
    expect(curl).toContain('http://localhost:8082/');
    const ask = curl.replace('curl ', 'curl -s ').replace(':8082/', `:${String(port)}/`);
    const answer = await until('rows', 20_000, async () => {
      const { out } = await shell(ask);
      return out.includes('maxTime') ? out : undefined;
    });
    expect(JSON.parse(answer)).toEqual([
      {
        timestamp: '2013-08-31T01:02:33.000Z',
        result: { minTime: '2013-08-31T01:02:33.000Z', maxTime: '2013-08-31T12:41:27.000Z' },
      },
    ]);
  } finally {
    await local.kill();
  }
});
