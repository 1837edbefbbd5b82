// A connections file that is replaced while it is followed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { followConnections } from './connections-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-connections-'));
const file = join(folder, 'connections.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

function write(password: string, secretKey: string): void {
  writeFileSync(
    file,
    `etcd: { endpoints: ["http://e:2379"], username: u, password: "${password}" }
s3: { endpoint: "http://s:9000", bucket: b, accessKey: a, secretKey: "${secretKey}" }
`,
  );
}

test('a rotated file is followed; a wrong or missing one leaves the last good', () => {
  expect(() => followConnections(file)).toThrow(/mount the Secret/);
  write('one', 'two');
  const now = followConnections(file);
  expect([now().etcd.password, now().s3.secretKey]).toEqual(['one', 'two']);
  write('three', 'four');
  expect([now().etcd.password, now().s3.secretKey]).toEqual(['three', 'four']);
  writeFileSync(file, 'etcd: {');
  expect(now().etcd.password).toBe('three');
  writeFileSync(file, 'etcd: {}');
  expect(now().etcd.password).toBe('three');
  rmSync(file);
  expect(now().etcd.password).toBe('three');
  write('five', 'six');
  expect([now().etcd.password, now().s3.secretKey]).toEqual(['five', 'six']);
});
