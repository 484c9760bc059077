import { commands } from './commands.ts';

/**
 * Loads what a start would load at first use, for the image that starts go on from (docs/engine.md). All of it: pages of the image
 * that a command does not touch cost it nothing.
 */
export async function preload(): Promise<void> {
  for (const { load } of commands.values()) await load();
  await Promise.all([
    import('./help.ts'),
    import('./version.ts'),
    import('../../runtime/cgroup/plan-unit.ts'),
    import('../../runtime/cgroup/stored-unit.ts'),
    import('../../runtime/terminal-relay.ts'),
    import('../../libcontainer/seccomp/compile-profile.ts'),
  ]);
}
