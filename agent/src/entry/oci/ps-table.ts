import { DomainError } from '../../base/errors.ts';

/** The lines of the output of ps that are about these processes, with its heading (which names the columns). */
export function selectProcesses(output: string, pids: readonly number[]): string {
  const [heading = '', ...lines] = output.split('\n');
  const column = heading.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new DomainError('invalid_argument', "couldn't find PID field in ps output");
  const wanted = new Set(pids.map(String));
  const selected = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ''));
  return [heading, ...selected].map((line) => `${line}\n`).join('');
}
