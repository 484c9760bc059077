import { O_RDWR } from '../../abi/constants.ts';
import type { Scope } from '../../base/scope.ts';
import type { Fd } from '../../sys/fd.ts';
import { pipe, setNonBlocking, setPipeSize } from '../../sys/descriptor.ts';
import { fchown, open } from '../../sys/file.ts';
import type { ProcessStdio } from '../types.ts';

/** Both ends of a process's stdio before it exists. */
export interface PreparedStdio {
  /** For 0, 1 and 2 of the child. */
  readonly child: readonly [Fd, Fd, Fd];
  /** The caller's ends; a terminal's master comes later. */
  readonly own: ProcessStdio;
}

export interface StdioOptions {
  readonly isTerminal: boolean;
  /** Of the pipes for output, in bytes; 0 keeps the kernel's default. */
  readonly pipeSize: number;
  readonly given: readonly [Fd, Fd, Fd] | undefined;
  /** Whose the pipes are to be, in ids of this process: the user of a container with a user namespace. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** What was given, three pipes, or `/dev/null` until the terminal is there. Everything made here is registered with the scope. */
export function prepareStdio(scope: Scope, options: StdioOptions): PreparedStdio {
  const { isTerminal, pipeSize, given, owner } = options;
  if (isTerminal) {
    const blank = scope.use(open('/dev/null', O_RDWR));
    return { child: [blank, blank, blank], own: { kind: 'none' } };
  }
  if (given !== undefined) return { child: given, own: { kind: 'none' } };
  const [input, output, errors] = [ownedPipe(scope), ownedPipe(scope), ownedPipe(scope)];
  for (const { writer } of [output, errors]) if (pipeSize > 0) setPipeSize(writer, pipeSize);
  // Both ends are one inode. The process opens it again as /dev/stdout, which takes rights over it.
  if (owner !== undefined) for (const { reader } of [input, output, errors]) fchown(reader, owner.uid, owner.gid);
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
