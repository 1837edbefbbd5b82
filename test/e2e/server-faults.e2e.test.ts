// Every other role killed at a random moment, and every server killed and restarted, while rows are read and published.
// Invariant I1: no row lost, none twice.

import { describe, it } from 'vitest';
import { FaultRounds, pause } from './fault-rounds.ts';

describe('rows flow', () => {
  const rounds = new FaultRounds('server-faults');

  for (const role of ['historical', 'broker', 'operator'] as const) {
    it(
      `while the ${role} is killed at a random moment`,
      () =>
        rounds.during(async () => {
          const ms = 500 + Math.random() * 3000;
          await pause(ms);
          await rounds.deployment[role].kill();
          await pause(500);
          rounds.deployment[role].start();
          return `after ${Math.round(ms)} ms`;
        }),
      240_000,
    );
  }

  for (const server of ['kafka', 'etcd', 's3', 'redis'] as const) {
    it(
      `while ${server} is killed and restarted`,
      () =>
        rounds.during(async () => {
          await pause(1500);
          await rounds.server(server).kill();
          await pause(2000);
          await rounds.server(server).start();
          return 'down for 2 s while rows were read and published';
        }),
      240_000,
    );
  }
});
