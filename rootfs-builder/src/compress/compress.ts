import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { assertNever } from '../../../agent/src/base/assert-never.ts';
import { BuildError, reasonOf } from '../build-error.ts';

/** Formats that the kernel unpacks (CONFIG_RD_GZIP, CONFIG_RD_ZSTD). Kata's kernels are sure to have gzip only. */
export const COMPRESSIONS = ['gzip', 'zstd', 'none'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

type Pieces = AsyncIterable<Uint8Array>;

/** Compresses a stream at the strongest usual level; the result depends on the input and the compressor's version alone. Throws the reason of `signal`. */
export function compress(compression: Compression, source: Pieces, signal?: AbortSignal): Pieces {
  switch (compression) {
    case 'none':
      return source;
    case 'gzip':
      return gzip(source);
    case 'zstd':
      // One thread: with several the result depends on their number. 19 needs 8 MiB of window, the kernel's limit is 128.
      return throughProgram('zstd', ['-19', '-T1', '-q', '-c'], source, signal);
    default:
      return assertNever(compression);
  }
}

async function* gzip(source: Pieces): Pieces {
  const compressor = createGzip({ level: 9 });
  // A source that fails destroys the compressor with its error, which the loop below then throws.
  const fed = pipeline(Readable.from(source), compressor);
  fed.catch(() => undefined);
  let offset = 0;
  for await (const chunk of compressor as Pieces) {
    // Bytes 4 to 9 of the header are time, flags of the level, and operating system (RFC 1952): the same on every host.
    for (const [index, value] of [0, 0, 0, 0, 2, 3].entries()) {
      const at = 4 + index - offset;
      if (at >= 0 && at < chunk.length) chunk[at] = value;
    }
    offset += chunk.length;
    yield chunk;
  }
}

/** What writing to a program gives that ended without reading everything, by how far it had come. */
const endedEarly = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'];

/** `source` through a filter program. Throws BuildError when it is not installed or fails, and the reason of `signal`. */
export async function* throughProgram(
  program: string,
  args: readonly string[],
  source: Pieces,
  signal?: AbortSignal,
): Pieces {
  signal?.throwIfAborted();
  // In a process group of its own: a terminal's ctrl-C is ours to pass on, or its end would be taken for a failure.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  const failed = once(child, 'error').then(([error]) => {
    throw new BuildError(
      reasonOf(error) === 'ENOENT'
        ? `${program}: program not found; on Debian: apt-get install ${program === 'xz' ? 'xz-utils' : program}`
        : `${program}: ${reasonOf(error)}`,
      error,
    );
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // A source that fails must be heard even though the program then ends well; a program that ends early breaks the pipe.
  const fed = pipeline(Readable.from(source), child.stdin).then(
    () => undefined,
    (error: unknown) => (endedEarly.includes(reasonOf(error)) ? undefined : error),
  );
  failed.catch(() => undefined);
  exited.catch(() => undefined);
  try {
    if (child.pid === undefined) await failed;
    yield* child.stdout as Pieces;
    signal?.throwIfAborted();
    const fault = await fed;
    if (fault !== undefined) throw fault as Error;
    const [code, killedBy] = await exited;
    if (code !== 0) {
      const said = Buffer.concat(errors).toString('utf8').trim().split('\n').at(-1);
      throw new BuildError(`${program}: ended with ${killedBy ?? `status ${code}`}${said ? `: ${said}` : ''}`);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}
