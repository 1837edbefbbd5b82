// Asks a running Druid cluster everything in requests.ndjson and writes what it said to answers.ndjson. Run by hand, see
// README.md: node record.ts BROKER COORDINATOR

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { answersFile, ask, type RecordedAnswer, recordedRequests } from './recorded.ts';

const [broker = 'http://localhost:28082', coordinator = 'http://localhost:28081'] =
  process.argv.slice(2);
const answers: RecordedAnswer[] = [];
for (const request of recordedRequests()) {
  await sleep(request.waitMs ?? 0);
  answers.push(await ask(request, request.to === 'broker' ? broker : coordinator));
}
writeFileSync(answersFile, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
process.stdout.write(`${answers.length} answers written\n`);
