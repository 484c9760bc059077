import { RLIMIT_NOFILE } from '../../abi/constants.ts';
import { invalidArgument } from '../../base/errors.ts';
import { capabilityNumber } from '../../oci/capability-names.ts';
import { rlimitNumber } from '../../oci/rlimit-names.ts';
import type { CapabilitySets, ProcessSpec } from '../../oci/spec.ts';
import { normalizeEnvironment } from './environment.ts';
import { compileLabels, noSecurityModules } from './compile-labels.ts';
import type { SecurityModules } from './compile-labels.ts';
import { compileAttributes } from './compile-scheduling.ts';
import type { SharedAttributes } from './compile-scheduling.ts';
import { compileSeccomp } from './compile-seccomp.ts';
import type { SeccompFilter } from './seccomp-filter.ts';
import type { CapabilityNumbers, Program, RlimitStepEntry, Step } from './launch-plan.ts';

/** Default of the specification when it has no umask field, which is the case for Kata's API. */
const defaultUmask = 0o022;

export interface ProcessFacts {
  /** RLIMIT_NOFILE for a process that asks for none, since the agent raised its own. */
  readonly defaultNofile: { readonly soft: bigint; readonly hard: bigint } | undefined;
  /** Written when the process asks for none: the agent's own is inherited otherwise. */
  readonly defaultOomScoreAdj: number | undefined;
  /** Of the running kernel; undefined: none. */
  readonly modules?: SecurityModules;
  /** `process.user.username` is looked up in the container's files; else it is not looked at (contract, lifecycle section 11.2). */
  readonly looksUpUsernames?: boolean;
  /** The compiled profile of the container. */
  readonly seccomp?: SeccompFilter | undefined;
  /** False in a user namespace whose creator had no right to it (user_namespaces(7)). */
  readonly setsGroups: boolean;
}

function numbers(names: readonly string[]): readonly number[] {
  return names.map((name) => {
    const number = capabilityNumber(name);
    if (number === undefined)
      throw invalidArgument('process.capabilities', `unknown capability ${JSON.stringify(name)}`);
    return number;
  });
}

export function capabilityNumbers(sets: CapabilitySets): CapabilityNumbers {
  return {
    bounding: numbers(sets.bounding),
    effective: numbers(sets.effective),
    permitted: numbers(sets.permitted),
    inheritable: numbers(sets.inheritable),
    ambient: numbers(sets.ambient),
  };
}

/** The limits of a process, in the order of the specification. */
export function rlimitsOf(process: ProcessSpec, facts: ProcessFacts): readonly RlimitStepEntry[] {
  const limits: RlimitStepEntry[] = process.rlimits.map(({ type, soft, hard }) => {
    const resource = rlimitNumber(type);
    if (resource === undefined) throw invalidArgument('process.rlimits', `unknown limit ${JSON.stringify(type)}`);
    return { resource, soft: String(soft), hard: String(hard) };
  });
  const nofile = facts.defaultNofile;
  if (nofile !== undefined && !limits.some(({ resource }) => resource === RLIMIT_NOFILE)) {
    limits.push({ resource: RLIMIT_NOFILE, soft: String(nofile.soft), hard: String(nofile.hard) });
  }
  return limits;
}

function compileRlimits(process: ProcessSpec, facts: ProcessFacts): readonly Step[] {
  const limits = rlimitsOf(process, facts);
  return limits.length === 0 ? [] : [{ do: 'rlimits', limits }];
}

export function oomScoreOf(process: ProcessSpec, facts: ProcessFacts): number | undefined {
  return process.oomScoreAdj ?? facts.defaultOomScoreAdj;
}

/**
 * Steps of init and exec that need the agent's rights and come before the root is entered. With `isForeign` the process has no
 * rights outside of its user namespace, so the parent writes the score (`launch/user-namespace.ts`).
 */
export function compilePrivileges(process: ProcessSpec, facts: ProcessFacts, isForeign = false): readonly Step[] {
  const score = oomScoreOf(process, facts);
  return [
    ...(score === undefined || isForeign ? [] : [{ do: 'oom-score', value: score } as const]),
    ...compileRlimits(process, facts),
  ];
}

/** What the steps of a process depend on beside the process itself. */
export interface IdentityContext {
  readonly facts: ProcessFacts;
  readonly shared: SharedAttributes;
  readonly isExec: boolean;
  readonly hasStartHooks: boolean;
}

/** The identity that the files of the container give a name; undefined: the numbers count. */
function usernameOf(process: ProcessSpec, facts: ProcessFacts): string | undefined {
  return facts.looksUpUsernames === true ? process.user.username : undefined;
}

/**
 * Steps of init and exec after the root was entered, in the order of the contract (lifecycle section 11.1). The bounding set
 * and the groups need rights that the change of user takes away; the other sets are exact only after it.
 */
export function compileIdentity(
  process: ProcessSpec,
  capabilities: CapabilitySets,
  setsGroups: boolean,
  { facts, shared, isExec, hasStartHooks }: IdentityContext,
): readonly Step[] {
  const { uid, gid, additionalGids, umask } = process.user;
  const sets = capabilityNumbers(capabilities);
  if (!setsGroups && additionalGids.length > 0) {
    throw invalidArgument('process.user.additionalGids', 'setgroups is denied in this user namespace');
  }
  const username = usernameOf(process, facts);
  const seccomp = compileSeccomp(process, facts.seccomp, hasStartHooks);
  return [
    { do: 'session', hasTerminal: process.terminal },
    { do: 'working-directory', path: process.cwd },
    { do: 'umask', mask: umask ?? defaultUmask },
    ...(username === undefined ? [] : [{ do: 'look-up-user', text: username } as const]),
    ...(uid === 0 && username === undefined ? [] : [{ do: 'stdio-owner', uid } as const]),
    ...compileAttributes(process, shared, isExec),
    ...compileLabels(process, facts.modules ?? noSecurityModules),
    { do: 'bounding-set', capabilities: sets.bounding },
    { do: 'user', uid, gid, groups: additionalGids, setsGroups },
    ...(process.noNewPrivileges ? [{ do: 'no-new-privileges' } as const] : []),
    { do: 'capabilities', sets, kept: seccomp.kept },
    ...seccomp.early,
  ];
}

/** The terminal, if one is asked for. Hosts may give a size at once, and send changes later. */
export function compileTerminal(process: ProcessSpec, hasConsole: boolean): readonly Step[] {
  return process.terminal ? [{ do: 'terminal', hasConsole, size: process.consoleSize }] : [];
}

export function compileProgram(process: ProcessSpec): Program {
  return { args: process.args, env: normalizeEnvironment(process.env), uid: process.user.uid };
}
