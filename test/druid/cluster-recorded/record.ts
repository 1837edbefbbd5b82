// Asks a running Druid cluster everything in requests.json and writes what it said to answers.json. Run by hand, see
// README.md: node record.ts BROKER COORDINATOR

import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  answersFile,
  type RecordedAnswer,
  requestsFile,
  ask,
  type RecordedRequest,
} from './recorded.ts';

const [broker = 'http://localhost:28082', coordinator = 'http://localhost:28081'] =
  process.argv.slice(2);
const requests = JSON.parse(readFileSync(requestsFile, 'utf8')) as RecordedRequest[];
const answers: RecordedAnswer[] = [];
for (const request of requests) {
  await sleep(request.waitMs ?? 0);
  answers.push(await ask(request, request.to === 'broker' ? broker : coordinator));
}
const lines = answers.map((answer) => JSON.stringify(answer));
writeFileSync(answersFile, `[\n${lines.join(',\n')}\n]\n`);
process.stdout.write(`${answers.length} answers written\n`);
