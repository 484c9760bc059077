import { seccompAction, seccompOperator } from '../seccomp-names.ts';
import type { SeccompAction, SeccompArg, SeccompRule, SeccompSpec } from '../spec.ts';
import { uint32, uint64 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';
import { quote } from './json-place.ts';

const seccompKeys = knownKeys(
  'defaultAction',
  'defaultErrnoRet',
  'architectures',
  'flags',
  'listenerPath',
  'listenerMetadata',
  'syscalls',
);
const ruleKeys = knownKeys('names', 'action', 'errnoRet', 'args');
const argKeys = knownKeys('index', 'value', 'valueTwo', 'op');

function action(object: JsonObject, key: string): SeccompAction {
  const name = object.requiredString(key);
  const known = seccompAction(name);
  if (known === undefined) throw object.error(key, `unknown action ${quote(name)}`);
  return known;
}

function argument(entry: JsonObject): SeccompArg {
  const name = entry.requiredString('op');
  const op = seccompOperator(name);
  if (op === undefined) throw entry.error('op', `unknown comparison ${quote(name)}`);
  return {
    index: entry.integer('index', { min: 0, max: 5 }) ?? 0,
    value: entry.bigint('value', uint64) ?? 0n,
    valueTwo: entry.bigint('valueTwo', uint64) ?? 0n,
    op,
  };
}

function rule(entry: JsonObject): SeccompRule {
  const names = entry.strings('names');
  if (names.length === 0) throw entry.error('names', 'missing');
  return {
    names,
    action: action(entry, 'action'),
    errnoRet: entry.integer('errnoRet', uint32),
    args: entry.objects('args', argKeys, argument),
  };
}

/** `linux.seccomp` (config-linux.md, "Seccomp"). */
export function seccomp(linux: JsonObject): SeccompSpec | undefined {
  const section = linux.object('seccomp', seccompKeys);
  if (section === undefined) return undefined;
  return {
    defaultAction: action(section, 'defaultAction'),
    defaultErrnoRet: section.integer('defaultErrnoRet', uint32),
    architectures: section.strings('architectures'),
    flags: section.strings('flags'),
    listenerPath: section.text('listenerPath'),
    listenerMetadata: section.text('listenerMetadata'),
    syscalls: section.objects('syscalls', ruleKeys, rule),
  };
}
