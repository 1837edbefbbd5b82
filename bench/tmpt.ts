import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { buildFromFile } from '../cli/segment/build.ts';
import { readBuildSpec } from '../cli/segment/build-spec.ts';
import { zipSegment } from '../worker/segment/zip.ts';
const spec = readBuildSpec('/tmp/bb/spec.json');
const cpu = () => Object.fromEntries(readdirSync('/proc/self/task').map((t) => { const s = readFileSync(`/proc/self/task/${t}/stat`, 'utf8').split(' '); return [t + readFileSync(`/proc/self/task/${t}/comm`,'utf8').trim(), Number(s[13]) + Number(s[14])]; }));
const hook = (label: string, before: Record<string, number>) => { const a = cpu(); console.log(label, Object.entries(a).map(([k, v]) => [k, ((v - (before[k] ?? 0)) * 1e7 / 500000).toFixed(0)]).filter(([, v]) => v !== '0').map((x) => x.join(':')).join(' ')); return a; };
for (let r = 0; r < 6; r++) {
  rmSync('/tmp/bb/seg', { recursive: true, force: true }); rmSync('/tmp/bb/index.zip', { force: true });
  let b = cpu();
  await buildFromFile(spec, '/tmp/bb/rows.ndjson', '/tmp/bb/seg');
  b = hook('build', b);
  await zipSegment('/tmp/bb/seg', '/tmp/bb/index.zip');
  hook('zip', b);
}
