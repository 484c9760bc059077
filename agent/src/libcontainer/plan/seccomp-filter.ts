/** A compiled profile. */
export interface SeccompFilter {
  /** Two 32-bit words for each instruction. */
  readonly words: readonly number[];
  /** SECCOMP_FILTER_FLAG_* */
  readonly flags: number;
  /** Its listener has to be sent to the parent. */
  readonly hasListener: boolean;
}
