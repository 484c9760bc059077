import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { PaxRecords } from './pax.ts';
import { parsePax } from './pax.ts';
import type { RawTarHeader } from './tar-header.ts';
import { BLOCK_BYTES, isZeroBlock, parseTarHeader } from './tar-header.ts';

/** Largest extended header or long name: attributes may have 64 KiB each (xattr(7)), and this is what is held in memory. */
const MAX_EXTENSION_BYTES = 4 * 1024 * 1024;

/** What an entry of a tar archive can be. */
export type TarKind = 'file' | 'dir' | 'symlink' | 'link' | 'char' | 'block' | 'fifo';

/** One entry. Names are as the archive has them: nothing is resolved or refused here. */
export interface TarHeader {
  readonly kind: TarKind;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow; 0 for all but files. */
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** What a piece of an archive brought. Data belongs to the entry before it; `offset` is where it is in the archive. */
export type TarEvent =
  | { readonly kind: 'entry'; readonly header: TarHeader; readonly dataOffset: number }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };

const KINDS: Readonly<Record<string, TarKind>> = {
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
};

/** What the next `left` bytes of an archive are. */
type Part =
  | { readonly kind: 'header' }
  | { readonly kind: 'extension'; readonly type: string; readonly bytes: Uint8Array; filled: number }
  | { readonly kind: 'file'; left: number }
  | { readonly kind: 'skip' };

/**
 * Reads tar archives (ustar, pax, GNU long names) that come in pieces of any length. Memory is bounded: a block, and an
 * extended header. Throws BuildError for what is no tar archive, and at `end()` for one that is cut off.
 */
export class TarReader {
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #part: Part = { kind: 'header' };
  #padding = 0;
  #offset = 0;
  #zeroBlocks = 0;
  #global: PaxRecords = {};
  #local: PaxRecords = {};
  #longName: string | undefined;
  #longLink: string | undefined;
  #entries = 0;

  /** What the bytes bring; an entry's end is told by `end`. */
  *push(chunk: Uint8Array): Generator<TarEvent> {
    let at = 0;
    const take = (count: number): Uint8Array => {
      const piece = chunk.subarray(at, at + count);
      at += piece.length;
      this.#offset += piece.length;
      return piece;
    };
    while (at < chunk.length) {
      if (this.#zeroBlocks >= 2) return; // what follows the end is no part of the archive
      const part = this.#part;
      switch (part.kind) {
        case 'header': {
          const piece = take(BLOCK_BYTES - this.#filled);
          this.#block.set(piece, this.#filled);
          this.#filled += piece.length;
          if (this.#filled < BLOCK_BYTES) break;
          this.#filled = 0;
          yield* this.#header();
          break;
        }
        case 'extension': {
          const piece = take(part.bytes.length - part.filled);
          part.bytes.set(piece, part.filled);
          part.filled += piece.length;
          if (part.filled < part.bytes.length) break;
          this.#extension(part.type, part.bytes);
          this.#part = { kind: 'skip' };
          break;
        }
        case 'file': {
          const piece = take(part.left);
          part.left -= piece.length;
          yield { kind: 'data', bytes: piece };
          if (part.left > 0) break;
          yield { kind: 'end' };
          this.#part = { kind: 'skip' };
          break;
        }
        case 'skip':
          this.#padding -= take(this.#padding).length;
          if (this.#padding === 0) this.#part = { kind: 'header' };
          break;
      }
      if (this.#part.kind === 'skip' && this.#padding === 0) this.#part = { kind: 'header' };
    }
  }

  /** Must be called when the archive is over. */
  end(): void {
    const isBetween = this.#part.kind === 'header' && this.#filled === 0;
    if (this.#zeroBlocks >= 2) return;
    if (!isBetween) throw new BuildError('tar: the archive is cut off');
    if (this.#longName !== undefined || this.#longLink !== undefined || Object.keys(this.#local).length > 0)
      throw new BuildError('tar: the archive is cut off after an extended header');
    // Many programs end without the two blocks; an empty stream is another matter.
    if (this.#entries === 0 && this.#zeroBlocks === 0) throw new BuildError('tar: the archive is empty');
  }

  *#header(): Generator<TarEvent> {
    if (isZeroBlock(this.#block)) {
      this.#zeroBlocks++;
      return;
    }
    this.#zeroBlocks = 0;
    const raw = parseTarHeader(this.#block);
    this.#padding = (BLOCK_BYTES - (raw.sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    if ('xgLK'.includes(raw.type)) {
      if (raw.sizeBytes > MAX_EXTENSION_BYTES)
        throw new BuildError(`tar: an extended header has ${raw.sizeBytes} bytes, more than ${MAX_EXTENSION_BYTES}`);
      if (raw.sizeBytes === 0) return;
      this.#part = { kind: 'extension', type: raw.type, bytes: new Uint8Array(raw.sizeBytes), filled: 0 };
      return;
    }
    const header = this.#headerOf(raw);
    this.#padding = (BLOCK_BYTES - (header.sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#local = {};
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#entries++;
    yield { kind: 'entry', header, dataOffset: this.#offset };
    if (header.sizeBytes > 0) this.#part = { kind: 'file', left: header.sizeBytes };
    else yield { kind: 'end' };
  }

  #headerOf(raw: RawTarHeader): TarHeader {
    const pax = { ...this.#global, ...this.#local };
    const name = pax.path ?? this.#longName ?? decodeBytes(raw.name);
    const linkName = pax.linkPath ?? this.#longLink ?? decodeBytes(raw.linkName);
    const shown = JSON.stringify(name.slice(0, 80));
    if (raw.type === 'S')
      throw new BuildError(`tar: ${shown}: sparse files of GNU tar are not read; make the archive without --sparse`);
    let kind = Object.hasOwn(KINDS, raw.type) ? KINDS[raw.type] : undefined;
    if (kind === undefined) throw new BuildError(`tar: ${shown}: unknown type ${JSON.stringify(raw.type)}`);
    // In archives of the seventh edition a directory is known by its name only.
    if (kind === 'file' && name.endsWith('/')) kind = 'dir';
    return {
      kind,
      name,
      linkName,
      mode: raw.mode,
      uid: pax.uid ?? raw.uid,
      gid: pax.gid ?? raw.gid,
      // Links, directories and devices have no data whatever the field says, as Go's archive/tar has it.
      sizeBytes: kind === 'file' ? (pax.sizeBytes ?? raw.sizeBytes) : 0,
      mtime: pax.mtime ?? raw.mtime,
      major: raw.major,
      minor: raw.minor,
      ...(pax.xattrs === undefined ? {} : { xattrs: pax.xattrs }),
    };
  }

  #extension(type: string, bytes: Uint8Array): void {
    const text = (): string => decodeBytes(bytes.subarray(0, bytes.includes(0) ? bytes.indexOf(0) : bytes.length));
    if (type === 'L') this.#longName = text();
    else if (type === 'K') this.#longLink = text();
    else if (type === 'g') this.#global = { ...this.#global, ...parsePax(bytes) };
    else this.#local = { ...this.#local, ...parsePax(bytes) };
  }
}
