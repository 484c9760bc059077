import { O_APPEND, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } from '../../abi/constants.ts';
import { encodeBytes } from '../../base/text.ts';
import { toJsonText } from '../../policy/value/to-text.ts';
import type { Value } from '../../policy/value/value.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, writeAll } from '../../sys/file.ts';

/** Where Kata's agent writes it. */
const RECORD_PATH = '/tmp/policy.jsonl';
/** The record lives in the guest's memory. */
const MAX_RECORD_BYTES = 8 << 20;
/** Too frequent, or a policy itself. */
const unrecorded: readonly string[] = ['StatsContainerRequest', 'ReadStreamRequest', 'SetPolicyRequest'];

/** The inputs that a policy was asked about, one JSON text a line: what a policy is written from. Only at log level debug. */
export class PolicyRecord {
  readonly #file: Fd;
  #left = MAX_RECORD_BYTES;

  /** Begins an empty record. Throws SysError when it cannot be made. */
  constructor(path = RECORD_PATH) {
    this.#file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0o600);
  }

  /** Never throws: a record is not worth a request. */
  add(rule: string, makeInput: () => Value): void {
    if (unrecorded.includes(rule) || this.#left <= 0) return;
    try {
      const bytes = encodeBytes(`{"kind":${JSON.stringify(rule)},"request":${toJsonText(makeInput())}}\n`);
      this.#left -= bytes.length;
      if (this.#left > 0) writeAll(this.#file, bytes);
    } catch {
      this.#left = 0;
    }
  }
}
