import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR__ATIME,
} from '../../abi/constants.ts';
import { DomainError, invalidArgument } from '../../base/errors.ts';
import type { AttributeChange, Propagation } from './launch-plan.ts';

/** The options of one mount, sorted by what they act on. */
export interface MountOptions {
  readonly bind: 'no' | 'bind' | 'rbind';
  readonly attributes: AttributeChange;
  readonly recursiveAttributes: AttributeChange;
  readonly propagation: { readonly kind: Propagation; readonly isRecursive: boolean } | undefined;
  /** Flags of the superblock and everything unknown: the file system's own. */
  readonly parameters: readonly (readonly [string, string | null])[];
}

const none: AttributeChange = { set: 0, clear: 0 };
const set = (bit: number): AttributeChange => ({ set: bit, clear: 0 });
const clear = (bit: number): AttributeChange => ({ set: 0, clear: bit });
/** The access time is a field, not a bit: it is cleared as a whole before it is set. */
const accessTime = (value: number): AttributeChange => ({ set: value, clear: MOUNT_ATTR__ATIME });

/** Options of a mount (mount(8), file-system independent), each with an `r` twin for the subtree. */
const attributeOptions: ReadonlyMap<string, AttributeChange> = new Map([
  ['ro', set(MOUNT_ATTR_RDONLY)],
  ['rw', clear(MOUNT_ATTR_RDONLY)],
  ['nosuid', set(MOUNT_ATTR_NOSUID)],
  ['suid', clear(MOUNT_ATTR_NOSUID)],
  ['nodev', set(MOUNT_ATTR_NODEV)],
  ['dev', clear(MOUNT_ATTR_NODEV)],
  ['noexec', set(MOUNT_ATTR_NOEXEC)],
  ['exec', clear(MOUNT_ATTR_NOEXEC)],
  ['nodiratime', set(MOUNT_ATTR_NODIRATIME)],
  ['diratime', clear(MOUNT_ATTR_NODIRATIME)],
  ['nosymfollow', set(MOUNT_ATTR_NOSYMFOLLOW)],
  ['symfollow', clear(MOUNT_ATTR_NOSYMFOLLOW)],
  ['noatime', accessTime(MOUNT_ATTR_NOATIME)],
  ['relatime', accessTime(0)],
  ['atime', accessTime(0)],
  ['norelatime', accessTime(MOUNT_ATTR_STRICTATIME)],
  ['strictatime', accessTime(MOUNT_ATTR_STRICTATIME)],
  ['nostrictatime', accessTime(0)],
]);

const propagationOptions: ReadonlyMap<string, Propagation> = new Map<string, Propagation>([
  ['private', 'private'],
  ['slave', 'slave'],
  ['shared', 'shared'],
  ['unbindable', 'unbindable'],
]);

/** Flags of the superblock: for fsconfig(2) they are named parameters; a bind cannot set them. */
const superblockOptions: ReadonlySet<string> = new Set(['sync', 'dirsync', 'lazytime', 'mand']);
/** Options without effect: the defaults, and what only mount(8) looks at. */
const ignoredOptions: ReadonlySet<string> = new Set([
  '',
  'defaults',
  'async',
  'nolazytime',
  'nomand',
  'silent',
  'loud',
  'noiversion',
]);
const unsupportedOptions: ReadonlySet<string> = new Set([
  'idmap',
  'ridmap',
  'tmpcopyup',
  'move',
  'copy-symlink',
  'src-nofollow',
  'dest-nofollow',
]);

/** Later options win over earlier ones, as with mount(8). */
function merge(base: AttributeChange, next: AttributeChange): AttributeChange {
  const touched = next.set | next.clear;
  return { set: (base.set & ~touched) | next.set, clear: (base.clear & ~touched) | (next.clear & ~0) };
}

/** Sorts OCI mount options. Throws for an option that we cannot honour; unknown ones are the file system's own. */
export function parseMountOptions(options: readonly string[], field: string): MountOptions {
  let bind: MountOptions['bind'] = 'no';
  let attributes = none;
  let recursiveAttributes = none;
  let propagation: MountOptions['propagation'];
  const parameters: [string, string | null][] = [];
  for (const option of options) {
    const plain = attributeOptions.get(option);
    const recursive = option.startsWith('r') ? attributeOptions.get(option.slice(1)) : undefined;
    const kind = propagationOptions.get(option);
    const recursiveKind = option.startsWith('r') ? propagationOptions.get(option.slice(1)) : undefined;
    if (option === 'bind' || option === 'rbind') bind = option;
    else if (plain !== undefined) attributes = merge(attributes, plain);
    else if (recursive !== undefined) recursiveAttributes = merge(recursiveAttributes, recursive);
    else if (kind !== undefined) propagation = { kind, isRecursive: false };
    else if (recursiveKind !== undefined) propagation = { kind: recursiveKind, isRecursive: true };
    else if (ignoredOptions.has(option) || option.startsWith('x-')) continue;
    else if (unsupportedOptions.has(option) || option.startsWith('idmap=') || option.startsWith('ridmap=')) {
      throw new DomainError('unimplemented', `${field}: not built yet: mount option ${option}`);
    } else if (option === 'remount') throw invalidArgument(field, 'remount has no meaning for a new mount');
    else {
      const equals = option.indexOf('=');
      parameters.push(equals === -1 ? [option, null] : [option.slice(0, equals), option.slice(equals + 1)]);
    }
  }
  const flag = parameters.find(([name]) => !superblockOptions.has(name)) ?? parameters[0];
  if (bind !== 'no' && flag !== undefined) {
    throw invalidArgument(field, `option ${JSON.stringify(flag[0])} has no effect on a bind mount`);
  }
  return { bind, attributes, recursiveAttributes, propagation, parameters };
}
