import { closeSync, createReadStream, existsSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** A log is cut here; the part before is kept once, so a container can fill at most twice this much of /run. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** One piece of a detached container's output. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/** Writes a container's output as JSON lines; the bytes are base64, since output need not be text. */
export class ContainerLog implements Disposable {
  readonly #path: string;
  #file: number;
  #bytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'a', 0o600);
    this.#bytes = statSync(path).size;
  }

  append(stream: LogRecord['stream'], data: Uint8Array): void {
    if (this.#bytes > MAX_LOG_BYTES) {
      closeSync(this.#file);
      renameSync(this.#path, `${this.#path}.1`);
      this.#file = openSync(this.#path, 'w', 0o600);
      this.#bytes = 0;
    }
    const line = `${JSON.stringify({ t: Date.now(), s: stream, d: Buffer.from(data).toString('base64') })}\n`;
    writeSync(this.#file, line);
    this.#bytes += line.length;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Parses one line; undefined for one that is cut off or not ours. */
export function parseLogLine(line: string): LogRecord | undefined {
  try {
    const { t, s, d } = JSON.parse(line) as { t?: unknown; s?: unknown; d?: unknown };
    if (typeof t !== 'number' || (s !== 'stdout' && s !== 'stderr') || typeof d !== 'string') return undefined;
    return { time: t, stream: s, data: Buffer.from(d, 'base64') };
  } catch {
    return undefined;
  }
}

async function* readLines(path: string): AsyncGenerator<LogRecord> {
  if (!existsSync(path)) return;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const record = parseLogLine(line);
    if (record !== undefined) yield record;
  }
}

/** What has been logged, the older part first. */
export async function* readContainerLog(path: string): AsyncGenerator<LogRecord> {
  yield* readLines(`${path}.1`);
  yield* readLines(path);
}

/** How often a followed log is looked at, in ms. */
const FOLLOW_MS = 100;

/** What has been logged and what is added, until `isOver` and everything has been read. */
export async function* followContainerLog(path: string, isOver: () => boolean): AsyncGenerator<LogRecord> {
  for await (const record of readLines(`${path}.1`)) yield record;
  let inode: bigint | undefined;
  let offset = 0;
  let rest = '';
  for (;;) {
    // Asked before reading: what was written before the end is then read for sure.
    const isLast = isOver();
    const info = statSync(path, { throwIfNoEntry: false, bigint: true });
    if (info !== undefined && info.ino !== inode) {
      inode = info.ino;
      offset = 0;
      rest = '';
    }
    if (info !== undefined && Number(info.size) > offset) {
      const end = Number(info.size);
      for await (const chunk of createReadStream(path, { start: offset, end: end - 1, encoding: 'latin1' })) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const record = parseLogLine(line);
          if (record !== undefined) yield record;
        }
      }
      offset = end;
    }
    if (isLast) return;
    await sleep(FOLLOW_MS);
  }
}
