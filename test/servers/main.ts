// `npm run servers [-- --host ADDRESS] [kafka s3 etcd redis]`: starts servers for a person, prints where they
// are in a form a shell can read, and stops them on Ctrl-C.

import { parseArgs } from 'node:util';
import { SERVER_NAMES, type ServerName } from './server.ts';
import { startServers } from './servers.ts';

const { values, positionals } = parseArgs({
  options: { host: { type: 'string' } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !SERVER_NAMES.some((known) => known === name));
if (unknown.length > 0) {
  console.error(`unknown server '${unknown.join(' ')}': choose from ${SERVER_NAMES.join(', ')}`);
  process.exit(2);
}
const want: readonly ServerName[] = SERVER_NAMES.filter(
  (name) => positionals.length === 0 || positionals.includes(name),
);
console.error(`starting ${want.join(', ')} (the first time may take ten minutes) ...`);
const servers = await startServers({
  want,
  ...(values.host === undefined ? {} : { host: values.host }),
});
for (const name of want) {
  const { endpoint } = servers.get(name);
  console.log(`export SLUICE_${name.toUpperCase()}=${endpoint.url}`);
  if (endpoint.accessKey !== undefined)
    console.log(`export SLUICE_S3_ACCESS_KEY=${endpoint.accessKey}`);
  if (endpoint.secretKey !== undefined)
    console.log(`export SLUICE_S3_SECRET_KEY=${endpoint.secretKey}`);
}
console.error('running; Ctrl-C stops them and removes their data');
const keepAlive = setInterval(() => undefined, 1 << 30);
await new Promise<void>((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
clearInterval(keepAlive);
await servers.stop();
