import { PolicyGate } from '../../api/policy/policy-gate.ts';
import { PolicyRecord } from '../../api/policy/policy-record.ts';
import type { Logger } from '../../base/log.ts';
import { decodeUtf8 } from '../../base/text.ts';
import { MAX_POLICY_LENGTH } from '../../policy/limits.ts';
import { readFile } from '../../sys/file.ts';

/** Reads a policy. `isVerbose`: what it is asked and prints is kept for people. Throws when it cannot be used. */
export function createPolicyGate(path: string, log: Logger, isVerbose: boolean): PolicyGate {
  const text = decodeUtf8(readFile(path, { maxBytes: MAX_POLICY_LENGTH }));
  if (text === undefined) throw new Error(`${path}: not UTF-8`);
  return new PolicyGate(path, text, log, isVerbose ? new PolicyRecord() : undefined);
}
