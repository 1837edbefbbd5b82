// Errors of the file system become a Failure here and nowhere else in this folder.

import { Failure, messageOf } from '../../runtime/failure.ts';

/** The Failure of a file-system error at a stored path. A Failure passes through. */
export function classify(error: unknown, path: string, root: string): Failure {
  if (error instanceof Failure) return error;
  const code = error instanceof Error && 'code' in error ? error.code : '';
  const text = `deep-storage file '${path}' in '${root}': ${messageOf(error)}`;
  switch (code) {
    case 'ENOENT':
      return new Failure('input', 'FileMissing', text, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new Failure(
        'config',
        'StorageDenied',
        `${text}; make the folder writable for this process`,
        error,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new Failure('transient', 'StorageFull', `${text}; free space in the folder`, error);
    default:
      return new Failure('transient', 'StorageUnavailable', text, error);
  }
}
