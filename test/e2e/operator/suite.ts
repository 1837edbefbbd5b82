// What the suites of the operator begin with: a control plane for all tests, a bench for each. Called inside a
// `describe`.

import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { OperatorBench } from './operator-bench.ts';

/** Starts the control plane of the suite and hands `given` a bench of its own before each test. */
export function benchForEachTest(given: (bench: OperatorBench, plane: ControlPlane) => void): void {
  let plane: ControlPlane;
  let bench: OperatorBench;
  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(() => plane?.stop());
  beforeEach(async () => {
    bench = await OperatorBench.open(plane);
    given(bench, plane);
  });
  afterEach(() => bench.close());
}
