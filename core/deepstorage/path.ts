// Paths of stored files: relative, `/`-separated, never outside the storage. Checked at the edge of every adapter.

import { Failure } from '../runtime/failure.ts';

/** The path itself. @throws Failure `bug` PathInvalid for one that is absolute, empty or climbs */
export function checkedPath(path: string): string {
  const isBad =
    path === '' ||
    path.includes('\\') ||
    path.includes('\0') ||
    path.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (isBad)
    throw new Failure(
      'bug',
      'PathInvalid',
      `deep-storage path '${path}': expected parts joined by '/', none empty, '.' or '..'`,
    );
  return path;
}
