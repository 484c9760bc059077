import type { BaseKind, BaseSpec, Recipe } from './recipe.ts';
import type { Issue } from './schema.ts';

/** Which keys of `[base]` each kind knows, beside `kind`. */
const BASE_KEYS: Readonly<Record<BaseKind, readonly (keyof BaseSpec)[]>> = {
  none: [],
  busybox: ['busybox'],
  debian: ['suite', 'mirrors', 'components', 'packages', 'keys', 'unsigned', 'variant', 'mode', 'untrimmed'],
  ubuntu: ['suite', 'mirrors', 'components', 'packages', 'keys', 'unsigned', 'variant', 'mode', 'untrimmed'],
  alpine: ['suite', 'mirrors', 'components', 'packages', 'keys', 'unsigned', 'untrimmed'],
  oci: ['path', 'reference', 'platform'],
  dir: ['path', 'owner', 'xattrs'],
  tar: ['path'],
};

const REQUIRED: Readonly<Record<BaseKind, readonly (keyof BaseSpec)[]>> = {
  none: [],
  busybox: [],
  debian: ['suite'],
  ubuntu: ['suite', 'mirrors'],
  alpine: ['suite', 'mirrors'],
  oci: ['path'],
  dir: ['path'],
  tar: ['path'],
};

/** Names of keys in the file where they differ. */
const WRITTEN: Partial<Record<keyof BaseSpec, string>> = { mirrors: 'mirror' };

/** What single values cannot tell: keys that contradict each other or have no meaning together. */
export function checkMeaning(recipe: Recipe): Issue[] {
  return [...checkBase(recipe.base), ...checkAgent(recipe), ...checkFiles(recipe), ...checkOutput(recipe)];
}

function checkBase(base: BaseSpec): Issue[] {
  const written = (key: keyof BaseSpec): string => `base.${WRITTEN[key] ?? key}`;
  const stray = (Object.keys(base) as (keyof BaseSpec)[])
    .filter((key) => key !== 'kind' && !BASE_KEYS[base.kind].includes(key))
    .map((key) => ({ path: written(key), problem: `has no meaning for the base ${base.kind}` }));
  const missing = REQUIRED[base.kind]
    .filter((key) => base[key] === undefined)
    .map((key) => ({ path: written(key), problem: `is missing: the base ${base.kind} needs it` }));
  return [...stray, ...missing];
}

function checkAgent({ agent, base }: Recipe): Issue[] {
  const issues: Issue[] = [];
  const says = (path: string, problem: string): void => void issues.push({ path, problem });
  if (agent.config !== undefined && agent.settings !== undefined)
    says('agent.settings', 'give either config or settings');
  if (agent.init === 'systemd' && (base.kind === 'none' || base.kind === 'busybox' || base.kind === 'alpine'))
    says('agent.init', `the base ${base.kind} has no systemd`);
  if (agent.init === 'agent' && agent.binary === '') says('agent.init', 'there is no agent (agent.binary is empty)');
  for (const key of ['slim', 'chrony', 'confidential'] as const) {
    if (agent[key] === true && agent.init !== 'systemd' && key !== 'chrony')
      says(`agent.${key}`, 'has no meaning without init = "systemd"');
  }
  return issues;
}

function checkFiles({ files, symlinks, directories }: Recipe): Issue[] {
  const issues: Issue[] = [];
  const seen = new Map<string, string>();
  const once = (target: string, path: string): void => {
    const before = seen.get(target);
    if (before !== undefined) issues.push({ path: `${path}.target`, problem: `/${target} is that of ${before} too` });
    else seen.set(target, path);
  };
  for (const [index, { source, content, target }] of files.entries()) {
    const path = `file[${index}]`;
    if ((source === undefined) === (content === undefined))
      issues.push({ path, problem: 'give either source or content' });
    if (target === '.' && content !== undefined)
      issues.push({ path: `${path}.target`, problem: 'is the root of the guest' });
    once(target, path);
  }
  for (const [index, { target }] of symlinks.entries()) {
    if (target === '.') issues.push({ path: `symlink[${index}].target`, problem: 'is the root of the guest' });
    once(target, `symlink[${index}]`);
  }
  for (const [index, { target }] of directories.entries()) once(target, `directory[${index}]`);
  return issues;
}

function checkOutput({ output, removed }: Recipe): Issue[] {
  const issues: Issue[] = [];
  if (output.salt !== undefined && (output.verity === undefined || output.verity === false))
    issues.push({ path: 'output.salt', problem: 'has no meaning without verity' });
  for (const [index, path] of removed.entries()) {
    if (path === '.') issues.push({ path: `remove[${index}]`, problem: 'is the root of the guest' });
  }
  return issues;
}
