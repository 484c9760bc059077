import type { Readable } from 'node:stream';
import { HostError } from '../vm/host-error.ts';
import type { ContainerProcess } from './container-process.ts';

const SIGKILL = 9;

/** How much output is kept when nobody says otherwise, in bytes of both streams together. */
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** What a finished command left. */
export interface ProcessResult {
  /** Exit code, or 128 + signal number. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface CollectOptions {
  /** Given to the command's standard input, which is closed then. */
  readonly input?: string | Uint8Array | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxOutputBytes?: number | undefined;
}

/**
 * Runs a started process to its end. Out of time, over its limit or aborted, it is killed first.
 *
 * @throws HostError, or the signal's reason
 */
export async function collectOutput(process: ContainerProcess, options: CollectOptions = {}): Promise<ProcessResult> {
  const { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, timeoutMs, signal } = options;
  let failure: Error | undefined;
  const end = (reason: Error): void => {
    if (failure !== undefined) return;
    failure = reason;
    process.signal(SIGKILL).catch(() => undefined);
  };
  const onAbort = (): void => end(signal?.reason as Error);
  let left = maxOutputBytes;
  const collect = (stream: Readable | undefined): Buffer[] => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left >= 0) chunks.push(chunk);
      else end(new HostError(`the command wrote more than ${maxOutputBytes} bytes`));
    });
    stream?.on('error', (error) => end(error));
    return chunks;
  };
  const stdout = collect(process.stdout);
  const stderr = collect(process.stderr);
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => end(new HostError(`the command took longer than ${timeoutMs} ms`)), timeoutMs);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  try {
    process.stdin.end(options.input ?? '');
    const exitCode = await process.wait();
    if (failure !== undefined) throw failure;
    return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
