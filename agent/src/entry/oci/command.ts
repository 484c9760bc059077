import type { Logger } from '../../base/log.ts';
import type { CgroupChoice } from '../../runtime/cgroup/choose-cgroup.ts';
import type { Option, Options } from './arguments.ts';
import { UsageError } from './arguments.ts';

/** What the options before the command name say; the same for every command. */
export interface GlobalOptions {
  /** Absolute path of the directory of all state. */
  readonly root: string;
  readonly log: Logger;
  readonly cgroups: CgroupChoice;
}

/** One command as it was called. */
export interface Invocation {
  readonly options: Options;
  readonly operands: readonly string[];
  readonly global: GlobalOptions;
}

/** A command of `kihon-oci`. Each is in a module of its own, loaded when it is called. */
export interface Command {
  /** After the name, e.g. `[options] CONTAINER-ID`. */
  readonly usage: string;
  /** What it does, for the help: whole sentences. */
  readonly about: readonly string[];
  readonly options: readonly Option[];
  /** The operands are, from the first one on, another program's command line. */
  readonly stopsAtOperand?: boolean;
  /** It takes signals as events, since it has something to undo. The others are simply ended by one. */
  readonly watchesSignals?: boolean;
  /** Its command line is not looked at. */
  readonly takesAnything?: boolean;
  /** How many operands it takes. */
  readonly operands: { readonly least: number; readonly most: number };
  /** Exit code when it fails; 1 unless given. */
  readonly failureCode?: number;
  /** Gives the exit code. */
  readonly run: (invocation: Invocation) => number | Promise<number>;
}

/** The first operand: the id of the container. */
export function containerIdOf({ operands }: Invocation): string {
  const [id] = operands;
  if (id === undefined) throw new UsageError('a container id is needed');
  return id;
}
