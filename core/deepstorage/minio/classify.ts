// Errors of the S3 client become a Failure here and nowhere else.

import { Failure, messageOf } from '../../runtime/failure.ts';

const DENIED = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AllAccessDisabled',
]);

/** The S3 error code of an error, '' when it has none. */
export function s3Code(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** The Failure of an error of the client. A Failure passes through. */
export function classify(error: unknown, bucket: string, key: string): Failure {
  if (error instanceof Failure) return error;
  const code = s3Code(error);
  const text = `s3://${bucket}/${key}: ${code === '' ? '' : `${code}: `}${messageOf(error)}`;
  if (code === 'NoSuchBucket')
    return new Failure(
      'config',
      'BucketMissing',
      `${text}; create the bucket '${bucket}' or name another`,
      error,
    );
  if (DENIED.has(code))
    return new Failure(
      'config',
      'StorageDenied',
      `${text}; check the access key, its secret and its policy`,
      error,
    );
  if (code === 'NoSuchKey' || code === 'NotFound')
    return new Failure('input', 'FileMissing', text, error);
  if (code === 'XMinioStorageFull')
    return new Failure('transient', 'StorageFull', `${text}; free space on the server`, error);
  return new Failure('transient', 'StorageUnavailable', text, error);
}
