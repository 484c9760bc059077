import { SHUT_RDWR } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import type { ProcessStdio } from '../../libcontainer/types.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicate } from '../../sys/descriptor.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { shutdown } from '../../sys/socket.ts';
import type { ProcessInput, ProcessOutput } from '../process-streams.ts';
import { StreamCopy } from './stream-copy.ts';

/** Connections of the host for a process; what is absent goes through the stream RPCs. */
export interface PassfdConnections {
  readonly stdin: Fd | undefined;
  readonly stdout: Fd | undefined;
  readonly stderr: Fd | undefined;
}

/** Streams of a process that has connections. */
export interface PassfdStreams {
  readonly stdin: ProcessInput | undefined;
  readonly stdout: ProcessOutput | undefined;
  /** Undefined with a terminal, whose one stream is stdout. */
  readonly stderr: ProcessOutput | undefined;
  /** Settles when every output was copied to its end, or closed. */
  readonly drained: Promise<void>;
}

function notHere(stream: string): DomainError {
  return new DomainError('internal', `${stream} goes through a connection of its own (passfd)`);
}

/** stdin from a connection. The end of the connection is the end of a pipe; a terminal just hears nothing more (lifecycle section 6). */
class PassfdInput implements ProcessInput {
  readonly #copy: StreamCopy;
  readonly #close: () => void;

  constructor(loop: EventLoop, connection: Fd, to: Fd) {
    this.#close = () => {
      connection.close();
      to.close();
    };
    this.#copy = new StreamCopy(loop, connection, to, { discardsWhenBroken: false, onEnd: this.#close });
  }

  write(): Promise<void> {
    return Promise.reject(notHere('stdin'));
  }

  end(): void {
    this.#copy.stop();
  }

  close(): void {
    this.#copy.stop();
  }
}

/** stdout or stderr to a connection. */
class PassfdOutput implements ProcessOutput {
  readonly drained: Promise<void>;
  readonly #what: string;
  readonly #from: Fd;
  readonly #copy: StreamCopy;

  /**
   * A pipe is closed as soon as nobody reads from the connection any more, so that its writer is told (SIGPIPE). A terminal has no such
   * word: its output is thrown away, or its processes would hang.
   */
  constructor(loop: EventLoop, what: string, from: Fd, connection: Fd, isTerminal: boolean) {
    this.#what = what;
    this.#from = from;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.drained = promise;
    this.#copy = new StreamCopy(loop, from, connection, {
      discardsWhenBroken: isTerminal,
      onEnd: () => {
        // The size of a terminal may still be asked for.
        if (!isTerminal) from.close();
        shutdown(connection, SHUT_RDWR);
        connection.close();
        resolve(undefined);
      },
    });
  }

  read(): Promise<Uint8Array> {
    return Promise.reject(notHere(this.#what));
  }

  processExited(): void {
    this.#copy.writerDied();
  }

  close(): void {
    this.#copy.stop();
    this.#from.close();
  }
}

/** Joins the streams of a process to its connections, which are its own from now on. */
export function joinStreams(loop: EventLoop, stdio: ProcessStdio, connections: PassfdConnections): PassfdStreams {
  if (stdio.kind === 'none') throw new Error('the sandbox keeps the streams of its processes');
  const { stdin, stdout, stderr } = connections;
  const isTerminal = stdio.kind === 'terminal';
  // A terminal has one stream; whatever was connected for the other one would only be kept waiting.
  if (isTerminal) stderr?.close();
  const writer = isTerminal ? stdin && duplicate(stdio.master) : stdio.stdin;
  const output = (what: string, from: Fd, connection: Fd | undefined): PassfdOutput | undefined =>
    connection === undefined ? undefined : new PassfdOutput(loop, what, from, connection, isTerminal);
  const outputs = isTerminal
    ? { stdout: output('stdout', stdio.master, stdout), stderr: undefined }
    : { stdout: output('stdout', stdio.stdout, stdout), stderr: output('stderr', stdio.stderr, stderr) };
  return {
    stdin: stdin === undefined || writer === undefined ? undefined : new PassfdInput(loop, stdin, writer),
    ...outputs,
    drained: Promise.all([outputs.stdout?.drained, outputs.stderr?.drained]).then(() => undefined),
  };
}

/** Closes connections that no process has taken. */
export function closeConnections({ stdin, stdout, stderr }: PassfdConnections): void {
  for (const connection of [stdin, stdout, stderr]) connection?.close();
}
