import { rmSync } from 'node:fs';
import { zipSegment } from '../worker/segment/zip.ts';
for (let i=0;i<4;i++){ rmSync('/tmp/bb/x.zip',{force:true}); const c0=process.cpuUsage(); const t=performance.now(); await zipSegment('/tmp/bb/druid','/tmp/bb/x.zip'); const c=process.cpuUsage(c0); console.log(((c.user+c.system)*1000/500000).toFixed(0),'ns/row', (performance.now()-t).toFixed(0),'ms'); }
