import type { SeccompRule, SeccompSpec } from '../../oci/spec.ts';

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((entry, index) => entry === b[index]));
}

function isSameRule(a: SeccompRule, b: SeccompRule | undefined): boolean {
  if (b === undefined || a.action !== b.action || a.errnoRet !== b.errnoRet || a.args.length !== b.args.length)
    return false;
  const isSameArgs = a.args.every((arg, index) => {
    const other = b.args[index];
    return (
      other !== undefined &&
      arg.index === other.index &&
      arg.op === other.op &&
      arg.value === other.value &&
      arg.valueTwo === other.valueTwo
    );
  });
  return isSameArgs && isSameList(a.names, b.names);
}

/** True when two profiles make the same filter. Costs less than a text of either. */
export function isSameProfile(a: SeccompSpec, b: SeccompSpec): boolean {
  if (a === b) return true;
  return (
    a.defaultAction === b.defaultAction &&
    a.defaultErrnoRet === b.defaultErrnoRet &&
    a.syscalls.length === b.syscalls.length &&
    isSameList(a.architectures, b.architectures) &&
    isSameList(a.flags, b.flags) &&
    a.syscalls.every((rule, index) => isSameRule(rule, b.syscalls[index]))
  );
}
