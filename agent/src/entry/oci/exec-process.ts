import { decodeUtf8 } from '../../base/text.ts';
import { capabilityNumber } from '../../oci/capability-names.ts';
import { processFromJson } from '../../oci/from-json/spec-from-json.ts';
import type { CapabilitySets, ProcessSpec, UserSpec } from '../../oci/spec.ts';
import { parseUserText } from '../../oci/user-text.ts';
import type { Options } from './arguments.ts';
import { UsageError } from './arguments.ts';

const maxId = 0xffff_fffe;

function numericId(text: string, what: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
  if (id > maxId) throw new UsageError(`--${what}: ${JSON.stringify(text.slice(0, 50))} is no id`);
  return id;
}

/** `USER[:GROUP]`: numbers, or names that the container's own files give numbers to. */
function userOf(options: Options, container: UserSpec): UserSpec {
  const additionalGids = [
    ...container.additionalGids,
    ...options.list('additional-gids').map((id) => numericId(id, 'additional-gids')),
  ];
  const text = options.text('user') ?? '';
  if (text === '') return { ...container, additionalGids };
  const { user, group } = parseUserText(text, '--user');
  if (typeof user === 'string' || typeof group === 'string') return { ...container, additionalGids, username: text };
  return { ...container, additionalGids, username: undefined, uid: user, gid: group ?? container.gid };
}

/** More capabilities in every set in which they have an effect; ambient ones only where they can be kept. */
function withCapabilities(sets: CapabilitySets | undefined, added: readonly string[]): CapabilitySets | undefined {
  if (added.length === 0) return sets;
  const names = added.map((name) => {
    const full = name.toUpperCase().startsWith('CAP_') ? name.toUpperCase() : `CAP_${name.toUpperCase()}`;
    if (capabilityNumber(full) === undefined)
      throw new UsageError(`--cap: unknown capability ${JSON.stringify(name.slice(0, 50))}`);
    return full;
  });
  const join = (set: readonly string[] = []): readonly string[] => [...new Set([...set, ...names])];
  return {
    bounding: join(sets?.bounding),
    effective: join(sets?.effective),
    permitted: join(sets?.permitted),
    inheritable: sets?.inheritable ?? [],
    ambient: sets?.ambient ?? [],
  };
}

/** The process that the options of `exec` describe, on top of the container's own. */
export function processFromOptions(options: Options, args: readonly string[], container: ProcessSpec): ProcessSpec {
  const cwd = options.text('cwd') ?? '';
  return {
    ...container,
    terminal: options.has('tty'),
    consoleSize: undefined,
    args,
    user: userOf(options, container.user),
    env: [...container.env, ...options.list('env')],
    cwd: cwd === '' ? container.cwd : cwd,
    capabilities: withCapabilities(container.capabilities, options.list('cap')),
    noNewPrivileges: options.has('no-new-privs') || container.noNewPrivileges,
    apparmorProfile: options.text('apparmor') ?? container.apparmorProfile,
    selinuxLabel: options.text('process-label') ?? container.selinuxLabel,
  };
}

/** The process that the file of `--process` describes. */
export function processFromFile(bytes: Uint8Array, options: Options, warn: (text: string) => void): ProcessSpec {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new UsageError('--process: the file is not UTF-8');
  const { value, warnings } = processFromJson(text);
  for (const warning of warnings) warn(warning);
  return options.has('tty') ? { ...value, terminal: true } : value;
}
