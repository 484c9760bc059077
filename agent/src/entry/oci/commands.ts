import type { Command } from './command.ts';

/** A command before its module is loaded. */
export interface CommandEntry {
  /** One line of the overview. */
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** All commands, in the order of the overview. */
export const commands: ReadonlyMap<string, CommandEntry> = new Map<string, CommandEntry>([
  ['create', { summary: 'make a container, ready to be started', load: () => import('./command/create.ts') }],
  ['start', { summary: 'run the program of a created container', load: () => import('./command/start.ts') }],
  ['run', { summary: 'create and start in one step', load: () => import('./command/run.ts') }],
  ['exec', { summary: 'run a further program in a container', load: () => import('./command/exec.ts') }],
  ['state', { summary: 'show the state of a container as JSON', load: () => import('./command/state.ts') }],
  ['list', { summary: 'list all containers', load: () => import('./command/list.ts') }],
  ['ps', { summary: 'list the processes of a container', load: () => import('./command/ps.ts') }],
  ['kill', { summary: 'send a signal to a container', load: () => import('./command/kill.ts') }],
  ['delete', { summary: 'remove a container', load: () => import('./command/delete.ts') }],
  ['pause', { summary: 'suspend all processes of a container', load: () => import('./command/pause.ts') }],
  ['resume', { summary: 'let a paused container go on', load: () => import('./command/resume.ts') }],
  ['update', { summary: 'change the limits of a container', load: () => import('./command/update.ts') }],
  ['events', { summary: 'show counters and out-of-memory events', load: () => import('./command/events.ts') }],
  ['spec', { summary: 'write a config.json to start from', load: () => import('./command/spec.ts') }],
  ['features', { summary: 'show what this runtime can do as JSON', load: () => import('./command/features.ts') }],
  ['checkpoint', { summary: 'not supported', load: () => import('./command/checkpoint.ts') }],
  ['restore', { summary: 'not supported', load: () => import('./command/restore.ts') }],
]);
