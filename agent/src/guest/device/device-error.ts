import { DomainError } from '../../base/errors.ts';

/**
 * A device that cannot be found. Hosts expect `internal` for every failure of storages and devices
 * (contract storage section 0), never `not_found`.
 */
export function deviceError(message: string, cause?: unknown): DomainError {
  return new DomainError('internal', message, cause);
}
