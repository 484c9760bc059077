import { DomainError } from '../../base/errors.ts';

/** A storage that cannot be made available; hosts expect `internal` (contract storage section 0). */
export function storageFailure(message: string, cause?: unknown): DomainError {
  return new DomainError('internal', message, cause);
}
