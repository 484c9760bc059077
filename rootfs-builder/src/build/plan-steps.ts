import type { Recipe } from '../recipe/recipe.ts';
import type { Durations } from './durations.ts';
import type { Step } from './events.ts';
import type { OutputPlan } from './output-plan.ts';

/** Name under which a step's time is remembered. */
export function durationName(step: Step['id'], recipe: Recipe, output: OutputPlan): string {
  switch (step) {
    case 'base':
      return `base ${recipe.base.kind}`;
    case 'guest':
      return 'guest';
    case 'output':
      return `output ${output.format}`;
  }
}

/** The parts of a build as they will be done. `agent` is the agent's file, if there is to be one. */
export function planSteps(recipe: Recipe, output: OutputPlan, agent: string | undefined, durations: Durations): Step[] {
  const expected = (id: Step['id']): number => durations.expected(durationName(id, recipe, output));
  return [
    { id: 'base', title: `base ${describeBase(recipe)}`, details: baseDetails(recipe), expectedMs: expected('base') },
    { id: 'guest', title: 'what the recipe adds', details: guestDetails(recipe, agent), expectedMs: expected('guest') },
    {
      id: 'output',
      title: `write ${output.format} ${output.file}`,
      details: Object.entries(output.options).map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
      expectedMs: expected('output'),
    },
  ];
}

function describeBase({ base, architecture }: Recipe): string {
  const what = [base.kind, base.suite, base.path].filter((part) => part !== undefined).join(' ');
  return `${what} for ${architecture}`;
}

function baseDetails({ base }: Recipe): string[] {
  const details: string[] = [];
  if (base.mirrors !== undefined) details.push(`from ${base.mirrors.map(withoutSecrets).join(', ')}`);
  else if (base.kind === 'debian') details.push("from the mirror of this host's apt");
  if (base.packages !== undefined) details.push(`packages: ${base.packages.join(' ')}`);
  if (base.unsigned === true) details.push('signatures are not checked');
  return details;
}

function withoutSecrets(mirror: string): string {
  return mirror.replace(/\/\/[^/@]*@/, '//');
}

function guestDetails(recipe: Recipe, agent: string | undefined): string[] {
  const { agent: spec, files, directories, symlinks, archives, removed, hooks, modules } = recipe;
  const init = spec.init ?? 'agent';
  const count = (number: number, noun: string): string[] =>
    number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
  const hookCount = [hooks?.prestart, hooks?.poststart, hooks?.poststop]
    .flat()
    .filter((hook) => hook !== undefined).length;
  return [
    agent === undefined ? 'no agent' : `agent ${agent} as ${init === 'agent' ? '/sbin/init' : '/usr/bin/kata-agent'}`,
    `init: ${init}`,
    ...(spec.config === undefined && spec.settings === undefined ? [] : ["the agent's options"]),
    ...(spec.policy === undefined ? [] : [`policy ${spec.policy}`]),
    ...(modules === undefined ? [] : [`kernel modules of ${modules.directory}`]),
    ...[
      ...count(removed.length, 'removal'),
      ...count(archives.length, 'archive'),
      ...count(files.length, 'file'),
      ...count(directories.length, 'folder'),
      ...count(symlinks.length, 'symlink'),
      ...count(hookCount, 'hook'),
    ],
  ];
}
