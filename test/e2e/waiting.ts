// Waiting for a state of a running system, with the reason when it does not come.

/** Asks until the answer is not undefined. @throws Error naming what was waited for and the last trouble */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let trouble = '';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      trouble = '';
    } catch (error) {
      trouble = String(error);
    }
    if (performance.now() > deadline)
      throw new Error(
        `${what}: not within ${timeoutMs} ms${trouble === '' ? '' : `; last: ${trouble}`}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
