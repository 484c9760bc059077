import { invalidArgument } from '../base/errors.ts';
import type { ProtoSeccomp, ProtoSeccompRule } from './proto-spec.ts';
import { listOf, toUint64 } from './proto-values.ts';
import { seccompAction, seccompOperator } from './seccomp-names.ts';
import type { SeccompAction, SeccompRule, SeccompSpec } from './spec.ts';

const at = 'linux.seccomp';

function action(name: string | null | undefined, field: string): SeccompAction {
  const known = seccompAction(name ?? '');
  if (known === undefined) throw invalidArgument(field, `unknown action ${JSON.stringify(name ?? '')}`);
  return known;
}

function rule(entry: ProtoSeccompRule, index: number): SeccompRule {
  const field = `${at}.syscalls[${index}]`;
  return {
    names: listOf(entry.Names),
    action: action(entry.Action, `${field}.action`),
    errnoRet: entry.errnoret ?? undefined,
    args: listOf(entry.Args).map((arg, number) => {
      const op = seccompOperator(arg.Op ?? '');
      if (op === undefined) {
        throw invalidArgument(`${field}.args[${number}].op`, `unknown comparison ${JSON.stringify(arg.Op ?? '')}`);
      }
      return { index: Number(toUint64(arg.Index)), value: toUint64(arg.Value), valueTwo: toUint64(arg.ValueTwo), op };
    }),
  };
}

/** A `LinuxSeccomp` message; the API has no listener and no default errno. */
export function seccompFromProto(proto: ProtoSeccomp | null | undefined): SeccompSpec | undefined {
  if (proto === null || proto === undefined) return undefined;
  return {
    defaultAction: action(proto.DefaultAction, `${at}.defaultAction`),
    defaultErrnoRet: undefined,
    architectures: listOf(proto.Architectures),
    flags: listOf(proto.Flags),
    listenerPath: undefined,
    listenerMetadata: undefined,
    syscalls: listOf(proto.Syscalls).map(rule),
  };
}
