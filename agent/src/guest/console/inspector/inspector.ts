import { encodeBytes, decodeBytes } from '../../../base/text.ts';
import type { AbortSignal } from '../../../base/abort.ts';
import { describeError } from '../../../base/errors.ts';
import { clip, printable } from './printable.ts';

/** A question of the operator. `run` must not change anything; it runs in a child of the agent, so it may read what hangs. */
export interface InspectorCommand {
  readonly usage: string;
  readonly purpose: string;
  readonly run: (args: readonly string[]) => string;
}

export interface InspectorOptions {
  readonly commands: Readonly<Record<string, InspectorCommand>>;
  /** Runs `work` in a child with a deadline, and gives its text. */
  readonly ask: (name: string, work: () => string) => Promise<string>;
  /** What was typed, up to the end of a line; empty at the end of input. */
  readonly read: (signal: AbortSignal) => Promise<Uint8Array>;
  readonly write: (bytes: Uint8Array, signal: AbortSignal) => Promise<void>;
}

/** Longest answer, in characters. */
export const MAX_ANSWER = 128 << 10;
/** Longest line that is kept of what is typed. */
const MAX_LINE = 1024;

const PROMPT = 'kihon> ';
const GREETING =
  'This image has no shell. This is the agent itself: it shows what is there and changes nothing.\n"help" lists the commands.\n';

/** The answer to one line; undefined ends the session. */
async function answer(options: InspectorOptions, line: string): Promise<string | undefined> {
  const [name = '', ...args] = line.split(/\s+/).filter((word) => word !== '');
  if (name === '') return '';
  if (name === 'exit' || name === 'quit') return undefined;
  if (name === 'help') return help(options.commands);
  const command = Object.hasOwn(options.commands, name) ? options.commands[name] : undefined;
  if (command === undefined) return `${printable(name)}: no such command ("help" lists them)`;
  try {
    // Cut in the child: what comes back is small.
    return await options.ask(`console ${name}`, () => clip(printable(command.run(args)), MAX_ANSWER));
  } catch (error) {
    return `${name}: ${printable(describeError(error))}`;
  }
}

function help(commands: InspectorOptions['commands']): string {
  const rows = Object.values(commands).map(({ usage, purpose }) => [usage, purpose] as const);
  rows.push(['help', 'this list'], ['exit', 'ends the session']);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return rows.map(([usage, purpose]) => `${usage.padEnd(width)}  ${purpose}`).join('\n');
}

/**
 * Asks and answers until the operator leaves or the signal fires. One question at a time: while an answer is not taken, no further
 * line is read.
 */
export async function runInspector(options: InspectorOptions, signal: AbortSignal): Promise<void> {
  await options.write(encodeBytes(`${GREETING}${PROMPT}`), signal);
  let pending = '';
  for (;;) {
    const typed = await options.read(signal);
    if (typed.length === 0) return;
    pending += decodeBytes(typed);
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const text = await answer(options, pending.slice(0, end));
      pending = pending.slice(end + 1);
      if (text === undefined) return;
      await options.write(encodeBytes(`${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${PROMPT}`), signal);
    }
    if (pending.length > MAX_LINE) pending = '';
  }
}
