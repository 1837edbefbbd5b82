// Errors of etcd3 and gRPC become a Failure here and nowhere else.

import {
  EtcdAuthenticationFailedError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCInvalidArgumentError,
  GRPCUnauthenticatedError,
} from 'etcd3';
import { Failure, messageOf } from '../../runtime/failure.ts';

/** The Failure of an error of the client; `what` says what was attempted. A Failure passes through. */
export function classify(error: unknown, what: string): Failure {
  if (error instanceof Failure) return error;
  const text = `${what}: ${messageOf(error)}`;
  const denied = [
    EtcdAuthenticationFailedError,
    EtcdPermissionDeniedError,
    GRPCUnauthenticatedError,
  ];
  if (denied.some((type) => error instanceof type)) {
    return new Failure(
      'config',
      'StoreDenied',
      `${text}; check the user, password and role for etcd`,
      error,
    );
  }
  if (error instanceof EtcdLeaseInvalidError)
    return new Failure('fenced', 'LeaseLost', `${text}; nothing was written`, error);
  if (error instanceof GRPCInvalidArgumentError)
    return new Failure('bug', 'StoreRefused', text, error);
  if (messageOf(error).includes('database space exceeded')) {
    return new Failure(
      'transient',
      'StoreFull',
      `${text}; compact and defragment etcd or raise its quota, then disarm the alarm`,
      error,
    );
  }
  return new Failure('transient', 'StoreUnavailable', text, error);
}
