import { RLIMIT_NOFILE } from '../../abi/constants.ts';
import { invalidArgument } from '../../base/errors.ts';
import { capabilityNumber } from '../../oci/capability-names.ts';
import { rlimitNumber } from '../../oci/rlimit-names.ts';
import type { CapabilitySets, ProcessSpec } from '../../oci/spec.ts';
import { normalizeEnvironment } from './environment.ts';
import type { CapabilityNumbers, Program, RlimitStepEntry, Step } from './launch-plan.ts';

/** Default of the specification when it has no umask field, which is the case for Kata's API. */
const defaultUmask = 0o022;

export interface ProcessFacts {
  /** RLIMIT_NOFILE for a process that asks for none, since the agent raised its own. */
  readonly defaultNofile: { readonly soft: bigint; readonly hard: bigint } | undefined;
  /** Written when the process asks for none: the agent's own is inherited otherwise. */
  readonly defaultOomScoreAdj: number | undefined;
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

function compileRlimits(process: ProcessSpec, facts: ProcessFacts): readonly Step[] {
  const limits: RlimitStepEntry[] = process.rlimits.map(({ type, soft, hard }) => {
    const resource = rlimitNumber(type);
    if (resource === undefined) throw invalidArgument('process.rlimits', `unknown limit ${JSON.stringify(type)}`);
    return { resource, soft: String(soft), hard: String(hard) };
  });
  const nofile = facts.defaultNofile;
  if (nofile !== undefined && !limits.some(({ resource }) => resource === RLIMIT_NOFILE)) {
    limits.push({ resource: RLIMIT_NOFILE, soft: String(nofile.soft), hard: String(nofile.hard) });
  }
  return limits.length === 0 ? [] : [{ do: 'rlimits', limits }];
}

/** Steps of init and exec that need the agent's rights and come before the root is entered. */
export function compilePrivileges(process: ProcessSpec, facts: ProcessFacts): readonly Step[] {
  const score = process.oomScoreAdj ?? facts.defaultOomScoreAdj;
  return [
    ...(score === undefined ? [] : [{ do: 'oom-score', value: score } as const]),
    ...compileRlimits(process, facts),
  ];
}

/**
 * Steps of init and exec after the root was entered, in the order of the contract (lifecycle section 11.1). The bounding set
 * and the groups need rights that the change of user takes away; the other sets are exact only after it.
 */
export function compileIdentity(process: ProcessSpec, capabilities: CapabilitySets): readonly Step[] {
  const { uid, gid, additionalGids, umask } = process.user;
  const sets = capabilityNumbers(capabilities);
  return [
    { do: 'session', hasTerminal: process.terminal },
    { do: 'working-directory', path: process.cwd },
    { do: 'umask', mask: umask ?? defaultUmask },
    ...(uid === 0 ? [] : [{ do: 'stdio-owner', uid } as const]),
    { do: 'bounding-set', capabilities: sets.bounding },
    { do: 'user', uid, gid, groups: additionalGids },
    ...(process.noNewPrivileges ? [{ do: 'no-new-privileges' } as const] : []),
    { do: 'capabilities', sets },
  ];
}

/** The terminal, if one is asked for. Hosts may give a size at once, and send changes later. */
export function compileTerminal(process: ProcessSpec, hasConsole: boolean): readonly Step[] {
  return process.terminal ? [{ do: 'terminal', hasConsole, size: process.consoleSize }] : [];
}

export function compileProgram(process: ProcessSpec): Program {
  return { args: process.args, env: normalizeEnvironment(process.env), uid: process.user.uid };
}
