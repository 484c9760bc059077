import type { SeccompAction, SeccompOperator } from './spec.ts';

export const seccompActions: readonly SeccompAction[] = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
];

export const seccompOperators: readonly SeccompOperator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
];

/** The action of that name, undefined for an unknown one. */
export function seccompAction(name: string): SeccompAction | undefined {
  return seccompActions.find((action) => action === name);
}

/** The comparison of that name, undefined for an unknown one. */
export function seccompOperator(name: string): SeccompOperator | undefined {
  return seccompOperators.find((operator) => operator === name);
}
