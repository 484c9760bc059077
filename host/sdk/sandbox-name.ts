import { randomBytes } from 'node:crypto';
import { HostError } from '../vm/host-error.ts';

/**
 * A name is also the sandbox's id, the container's id, the guest's host name and a folder whose sockets must fit into 108
 * bytes (unix(7)), hence the length.
 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{1,39}$/;

/** Checks a name given by a person. @throws HostError with the rule */
export function parseSandboxName(text: string): string {
  if (NAME.test(text)) return text;
  const rule = '2 to 40 characters: letters, digits, and after the first also _ . -';
  throw new HostError(`${JSON.stringify(text)} is no name for a sandbox`, { hint: rule });
}

/** A name for one who gave none. */
export function generateSandboxName(): string {
  return `box-${randomBytes(4).toString('hex')}`;
}
