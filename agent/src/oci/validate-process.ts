import { invalidArgument } from '../base/errors.ts';
import { capabilityNumber } from './capability-names.ts';
import { pathNames } from '../base/guest-path.ts';
import { rlimitNumber } from './rlimit-names.ts';
import type { ProcessSpec } from './spec.ts';
import { checkAppArmorProfile, checkSelinuxLabel } from './validate-labels.ts';
import { checkScheduling } from './validate-scheduling.ts';

/** NGROUPS_MAX (linux/limits.h). */
const maxGroups = 65536;
/** `(uid_t)-1` means "leave unchanged" to the kernel. */
const invalidId = 0xffffffff;
/** oom_score_adj(5). */
const oomScoreLimit = 1000;

type ProcessCheck = (process: ProcessSpec, field: string) => void;

const checkArgs: ProcessCheck = (process, field) => {
  if (process.args[0] === undefined || process.args[0] === '') throw invalidArgument(`${field}.args[0]`, 'empty');
};

const checkEnv: ProcessCheck = (process, field) => {
  process.env.forEach((entry, index) => {
    // The entry itself may hold a secret, so only its place is named.
    if (!entry.includes('=')) throw invalidArgument(`${field}.env[${index}]`, 'Malformed OCI env entry: no "="');
  });
};

const checkCwd: ProcessCheck = (process, field) => {
  if (!process.cwd.startsWith('/')) throw invalidArgument(`${field}.cwd`, 'must be absolute');
  // `..` is legal here: the kernel resolves it inside the container's root.
  pathNames(process.cwd.replaceAll('..', '_'), `${field}.cwd`);
};

const checkUser: ProcessCheck = (process, field) => {
  if (process.user.uid === invalidId) throw invalidArgument(`${field}.user.uid`, `${invalidId} is not an id`);
  if (process.user.gid === invalidId) throw invalidArgument(`${field}.user.gid`, `${invalidId} is not an id`);
  const gids = process.user.additionalGids;
  if (gids.length > maxGroups) {
    throw invalidArgument(`${field}.user.additionalGids`, `${gids.length} groups, at most ${maxGroups} are possible`);
  }
  if (gids.includes(invalidId)) throw invalidArgument(`${field}.user.additionalGids`, `${invalidId} is not an id`);
};

const checkCapabilities: ProcessCheck = (process, field) => {
  if (process.capabilities === undefined) return;
  for (const [set, names] of Object.entries(process.capabilities) as [string, readonly string[]][]) {
    for (const name of names) {
      if (capabilityNumber(name) === undefined) {
        throw invalidArgument(`${field}.capabilities.${set}`, `unknown capability ${JSON.stringify(name)}`);
      }
    }
  }
};

const checkRlimits: ProcessCheck = (process, field) => {
  const seen = new Set<string>();
  process.rlimits.forEach((limit, index) => {
    const at = `${field}.rlimits[${index}]`;
    if (rlimitNumber(limit.type) === undefined) {
      throw invalidArgument(`${at}.type`, `unknown limit ${JSON.stringify(limit.type)}`);
    }
    if (seen.has(limit.type)) throw invalidArgument(`${at}.type`, `${limit.type} is given twice`);
    if (limit.soft > limit.hard)
      throw invalidArgument(at, `soft limit ${limit.soft} is above hard limit ${limit.hard}`);
    seen.add(limit.type);
  });
};

const checkOomScore: ProcessCheck = (process, field) => {
  const score = process.oomScoreAdj;
  if (score !== undefined && Math.abs(score) > oomScoreLimit) {
    throw invalidArgument(`${field}.oomScoreAdj`, `${score} is not within -${oomScoreLimit}..${oomScoreLimit}`);
  }
};

const checkLabel: ProcessCheck = (process, field) => {
  checkSelinuxLabel(process.selinuxLabel, `${field}.selinuxLabel`);
  checkAppArmorProfile(process.apparmorProfile, `${field}.apparmorProfile`);
};

const checks: readonly ProcessCheck[] = [
  checkArgs,
  checkEnv,
  checkCwd,
  checkUser,
  checkCapabilities,
  checkRlimits,
  checkOomScore,
  checkLabel,
  checkScheduling,
];

/**
 * Checks a process before any side effect; `field` is its place in the request. Throws `invalid_argument`, or
 * `unimplemented` for what we cannot honour.
 */
export function validateProcess(process: ProcessSpec, field = 'process'): void {
  for (const check of checks) check(process, field);
}
