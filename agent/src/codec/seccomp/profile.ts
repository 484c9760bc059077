/** What a filter is compiled from: the `linux.seccomp` part of an OCI specification, whose types fit these. */

export type FilterAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

export type FilterOperator =
  'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';

export interface FilterArgument {
  /** 0 to 5. */
  readonly index: number;
  /** The datum, or the mask of `SCMP_CMP_MASKED_EQ`; unsigned, 64 bits. */
  readonly value: bigint;
  /** The datum of `SCMP_CMP_MASKED_EQ`. */
  readonly valueTwo: bigint;
  readonly op: FilterOperator;
}

export interface FilterRule {
  readonly names: readonly string[];
  readonly action: FilterAction;
  readonly errnoRet: number | undefined;
  readonly args: readonly FilterArgument[];
}

export interface FilterProfile {
  readonly defaultAction: FilterAction;
  readonly defaultErrnoRet: number | undefined;
  readonly architectures: readonly string[];
  readonly flags: readonly string[];
  readonly syscalls: readonly FilterRule[];
}
