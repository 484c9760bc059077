import type { Command } from 'commander';

/** A command tells its exit code by this; none means 0. */
export type SetExitCode = (code: number) => void;

/** Whether a command's result goes out as JSON: `--json` may stand before or after the command's name. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}
