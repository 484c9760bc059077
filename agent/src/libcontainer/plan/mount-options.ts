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
import { invalidArgument } from '../../base/errors.ts';
import type { AttributeChange, Propagation } from './launch-plan.ts';

/** The options of one mount, sorted by what they act on. */
export interface MountOptions {
  readonly bind: 'no' | 'bind' | 'rbind';
  readonly attributes: AttributeChange;
  readonly recursiveAttributes: AttributeChange;
  readonly propagation: { readonly kind: Propagation; readonly isRecursive: boolean } | undefined;
  /** An id-mapped mount, of the top mount alone or of all below it. */
  readonly idmap: 'no' | 'idmap' | 'ridmap';
  /** Options that change how the mount is made. */
  readonly extensions: ReadonlySet<MountExtension>;
  /** Flags of the superblock and everything unknown: the file system's own. */
  readonly parameters: readonly (readonly [string, string | null])[];
}

/**
 * - `tmpcopyup`: the tmpfs starts with what the covered directory holds (runc, crun).
 * - `remount`: the mount that is there gets the flags.
 * - `src-nofollow`, `dest-nofollow`: a symbolic link at the end of the path is bound, or covered, itself (crun, youki).
 * - `copy-symlink`: a source that is a symbolic link becomes the same link inside (crun).
 */
export type MountExtension = 'tmpcopyup' | 'remount' | 'src-nofollow' | 'dest-nofollow' | 'copy-symlink';

const extensions: ReadonlySet<string> = new Set<MountExtension>([
  'tmpcopyup',
  'remount',
  'src-nofollow',
  'dest-nofollow',
  'copy-symlink',
]);

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
/** What takes an earlier one of those back. */
const clearingOptions: ReadonlyMap<string, string> = new Map([
  ['async', 'sync'],
  ['nolazytime', 'lazytime'],
  ['nomand', 'mand'],
]);
/** Options without effect: the defaults, what only mount(8) looks at, and `iversion`, which file systems that have it always keep. */
const ignoredOptions: ReadonlySet<string> = new Set(['', 'defaults', 'silent', 'loud', 'iversion', 'noiversion']);
/** All of this is known without looking at a file system; `kihon-oci features` lists it. */
export const knownMountOptions: readonly string[] = [
  ...['bind', 'rbind', 'idmap', 'ridmap', ...extensions, ...superblockOptions, ...clearingOptions.keys()],
  ...[...attributeOptions.keys()].flatMap((option) => [option, `r${option}`]),
  ...[...propagationOptions.keys()].flatMap((option) => [option, `r${option}`]),
  ...[...ignoredOptions].filter((option) => option !== ''),
].sort();

const known: ReadonlySet<string> = new Set(knownMountOptions);
const prefixes: readonly string[] = ['x-', 'idmap=', 'ridmap='];

/** Options of a bind mount that are for a file system, such as `mode=755`: it was mounted before, and the kernel does not look at them. */
export function ineffectiveOnBind(options: readonly string[]): readonly string[] {
  if (options.includes('remount')) return [];
  const isForFilesystem = (option: string): boolean =>
    option !== '' && option !== 'move' && !known.has(option) && !prefixes.some((prefix) => option.startsWith(prefix));
  return options.filter((option) => superblockOptions.has(option) || isForFilesystem(option));
}

/** Later options win over earlier ones, as with mount(8). */
function merge(base: AttributeChange, next: AttributeChange): AttributeChange {
  const touched = next.set | next.clear;
  return { set: (base.set & ~touched) | next.set, clear: (base.clear & ~touched) | (next.clear & ~0) };
}

function splitParameter(option: string): readonly [string, string | null] {
  const equals = option.indexOf('=');
  return equals === -1 ? [option, null] : [option.slice(0, equals), option.slice(equals + 1)];
}

/** What cannot be honoured is refused, never dropped (MNT-14). */
function checkCombination(options: MountOptions, field: string): void {
  const { bind, extensions: wanted, parameters } = options;
  const isRemount = wanted.has('remount');
  const odd = parameters.find(([name]) => !superblockOptions.has(name)) ?? parameters[0];
  if (odd !== undefined && (bind !== 'no' || isRemount)) {
    throw invalidArgument(
      field,
      `option ${JSON.stringify(odd[0])} has no effect on a ${isRemount ? 'remount' : 'bind mount'}`,
    );
  }
  if (isRemount && (wanted.size > 1 || options.idmap !== 'no')) {
    throw invalidArgument(field, 'remount cannot be combined with options that make a mount');
  }
  for (const name of ['src-nofollow', 'copy-symlink'] as const) {
    if (wanted.has(name) && bind === 'no') throw invalidArgument(field, `${name} needs a bind mount`);
  }
  if (options.idmap !== 'no' && bind === 'no') {
    throw invalidArgument(field, `${options.idmap} is possible for bind mounts only`);
  }
}

/**
 * Sorts OCI mount options. Unknown ones are the file system's own. `isBind`: the type says so already. Throws
 * `invalid_argument` for combinations that cannot be honoured.
 */
export function parseMountOptions(options: readonly string[], field: string, isBind = false): MountOptions {
  let bind: MountOptions['bind'] = isBind ? 'bind' : 'no';
  let attributes = none;
  let recursiveAttributes = none;
  let propagation: MountOptions['propagation'];
  let idmap: MountOptions['idmap'] = 'no';
  const wanted = new Set<MountExtension>();
  let parameters: (readonly [string, string | null])[] = [];
  for (const option of options) {
    const plain = attributeOptions.get(option);
    if (plain !== undefined) {
      attributes = merge(attributes, plain);
      continue;
    }
    const recursive = option.startsWith('r') ? attributeOptions.get(option.slice(1)) : undefined;
    const kind = propagationOptions.get(option);
    const recursiveKind = option.startsWith('r') ? propagationOptions.get(option.slice(1)) : undefined;
    const cleared = clearingOptions.get(option);
    if (option === 'bind' || option === 'rbind') bind = option;
    else if (recursive !== undefined) recursiveAttributes = merge(recursiveAttributes, recursive);
    else if (kind !== undefined) propagation = { kind, isRecursive: false };
    else if (recursiveKind !== undefined) propagation = { kind: recursiveKind, isRecursive: true };
    else if (cleared !== undefined) parameters = parameters.filter(([name]) => name !== cleared);
    else if (ignoredOptions.has(option) || option.startsWith('x-')) continue;
    else if (option === 'idmap' || option === 'ridmap') idmap = option;
    else if (extensions.has(option)) wanted.add(option as MountExtension);
    else if (option.startsWith('idmap=') || option.startsWith('ridmap=')) {
      throw invalidArgument(field, `${JSON.stringify(option)}: id maps belong into uidMappings and gidMappings`);
    } else if (option === 'move') throw invalidArgument(field, 'mounts cannot be moved into a container');
    else parameters.push(splitParameter(option));
  }
  const result = { bind, attributes, recursiveAttributes, propagation, idmap, extensions: wanted, parameters };
  checkCombination(result, field);
  return result;
}
