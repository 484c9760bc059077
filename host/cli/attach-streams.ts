import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ContainerProcess } from '../sdk/container-process.ts';

/** A death by SIGPIPE, as a shell reports it: our reader went away. */
export const EXIT_BROKEN_PIPE = 141;

export interface AttachOptions {
  /** Pass our standard input on; otherwise the process finds its own closed. */
  readonly isInteractive: boolean;
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
}

/** The copying between our streams and those of a process. */
export interface Attachment {
  /** Settles when both outputs have been copied to their ends. True when our own reader went away first. */
  readonly copied: Promise<{ readonly isPipeBroken: boolean }>;
  /** Stops reading our standard input. */
  detach(): void;
}

/** Starts copying. Call it after the process was started, and wait for `copied` before asking for its exit code. */
export function attachStreams(process_: ContainerProcess, options: AttachOptions): Attachment {
  const { stdin = process.stdin, stdout = process.stdout, stderr = process.stderr } = options;
  const input = new AbortController();
  if (options.isInteractive) {
    pipeline(stdin, process_.stdin, { signal: input.signal }).catch(() => undefined);
  } else {
    process_.stdin.end();
  }
  const copy = async (from: Readable | undefined, to: Writable): Promise<boolean> => {
    try {
      if (from !== undefined) await pipeline(from, to, { end: false });
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return true;
      throw error;
    }
  };
  const both = [copy(process_.stdout, stdout), copy(process_.stderr, stderr)];
  // A reader that went away counts at once: the other stream may go on for ever.
  const broken = both.map((copying) =>
    copying.then((isBroken) => (isBroken ? true : new Promise<never>(() => undefined))),
  );
  const copied = Promise.race([...broken, Promise.all(both).then((ends) => ends.includes(true))]).then(
    (isPipeBroken) => ({
      isPipeBroken,
    }),
  );
  // Whoever waits gets the failure; until then it is not an unhandled one.
  copied.catch(() => undefined);
  return {
    copied,
    detach: () => {
      input.abort();
      stdin.pause();
      stdin.unpipe();
    },
  };
}
