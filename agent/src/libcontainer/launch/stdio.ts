import { O_RDWR } from '../../abi/constants.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, pipe, setNonBlocking, setPipeSize } from '../../sys/file.ts';
import type { Scope } from '../../base/scope.ts';
import type { ProcessStdio } from '../types.ts';

/** Both ends of a process's stdio before it exists. */
export interface PreparedStdio {
  /** For 0, 1 and 2 of the child. Closed by the agent once the child has them. */
  readonly child: readonly [Fd, Fd, Fd];
  /** The agent's ends; a terminal's master comes later. */
  readonly own: Extract<ProcessStdio, { kind: 'pipes' }> | undefined;
}

/** Three pipes, or `/dev/null` until the terminal is there. Everything is registered with the scope. */
export function prepareStdio(scope: Scope, isTerminal: boolean, pipeSize: number): PreparedStdio {
  if (isTerminal) {
    const blank = scope.use(open('/dev/null', O_RDWR));
    return { child: [blank, blank, blank], own: undefined };
  }
  const [input, output, errors] = [ownedPipe(scope), ownedPipe(scope), ownedPipe(scope)];
  for (const { writer } of [output, errors]) if (pipeSize > 0) setPipeSize(writer, pipeSize);
  const own = { kind: 'pipes', stdin: input.writer, stdout: output.reader, stderr: errors.reader } as const;
  for (const fd of [own.stdin, own.stdout, own.stderr]) setNonBlocking(fd, true);
  return { child: [input.reader, output.writer, errors.writer], own };
}

/** Registered before the next one is made, which may fail. */
function ownedPipe(scope: Scope): ReturnType<typeof pipe> {
  const made = pipe();
  scope.use(made.reader);
  scope.use(made.writer);
  return made;
}
