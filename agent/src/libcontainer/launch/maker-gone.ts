import { DomainError } from '../../base/errors.ts';

/**
 * Who was to make a process ended before it answered, so nobody knows whether there is one. If there is, it ends with this launch, as
 * the other end of its sync socket is closed then; another launch may begin at once.
 */
export class MakerGone extends DomainError {
  constructor(what: string) {
    super('unavailable', `${what} ended`);
  }
}
