import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { accessListValue } from './access-list.ts';
import type { PaxRecords } from './pax.ts';
import { parsePax } from './pax.ts';
import { SparseData } from './sparse-data.ts';
import type { SparsePiece } from './sparse-data.ts';
import { checkSparseMap, MAX_REGIONS, regionsInBlock, SparseMapText } from './sparse-map.ts';
import type { RegionNumbers } from './sparse-map.ts';
import type { RawTarHeader } from './tar-header.ts';
import { BLOCK_BYTES, isZeroBlock, parseTarHeader, tarNumber } from './tar-header.ts';

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
  /** Size of a file; 0 for all else. As many bytes follow, or fewer and holes if `isSparse`. */
  readonly sizeBytes: number;
  readonly isSparse: boolean;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** What a piece of an archive brought. Data belongs to the entry before it; `dataOffset` is where it is in the archive. */
export type TarEvent =
  | { readonly kind: 'entry'; readonly header: TarHeader; readonly dataOffset: number }
  | SparsePiece
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

/** Where GNU tar's old format has its map in the header (tar.h, struct oldgnu_header) and in the blocks after it. */
const OLD_SPARSE = { regions: 386, count: 4, isExtended: 482, realBytes: 483 } as const;
const MORE_SPARSE = { count: 21, isExtended: 504 } as const;

/** What the next `left` bytes of an archive are. */
type Part =
  | { readonly kind: 'header' }
  | { readonly kind: 'extension'; readonly type: string; readonly bytes: Uint8Array; filled: number }
  | { readonly kind: 'file'; left: number; readonly sparse: SparseData | undefined }
  /** More of the old GNU format's map, in blocks that the size does not count. */
  | { readonly kind: 'regions'; readonly header: TarHeader; readonly stored: number; readonly regions: number[] }
  /** The map of pax format 1.0; `left` bytes are stored for it and the data. */
  | { readonly kind: 'map'; readonly header: TarHeader; left: number; readonly text: SparseMapText }
  | { readonly kind: 'skip' };

/**
 * Reads tar archives (ustar, pax, GNU long names, GNU sparse files) that come in pieces of any length. Memory is bounded: a
 * block, an extended header, the map of a sparse file. Throws BuildError for what is no tar archive, and at `end()` for one that is cut off.
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
        case 'header':
        case 'regions':
        case 'map': {
          const piece = take(BLOCK_BYTES - this.#filled);
          this.#block.set(piece, this.#filled);
          this.#filled += piece.length;
          if (this.#filled < BLOCK_BYTES) break;
          this.#filled = 0;
          if (part.kind === 'header') yield* this.#header();
          else if (part.kind === 'regions') yield* this.#moreRegions(part);
          else yield* this.#mapBlock(part);
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
          if (part.sparse === undefined) yield { kind: 'data', bytes: piece };
          else yield* part.sparse.push(piece);
          if (part.left > 0) break;
          if (part.sparse !== undefined) yield* part.sparse.end();
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
    const pax = { ...this.#global, ...this.#local };
    const header = this.#headerOf(raw, pax);
    // Links, directories and devices have no data whatever the field says, as Go's archive/tar has it.
    const stored = header.kind === 'file' ? (pax.sizeBytes ?? raw.sizeBytes) : 0;
    this.#padding = (BLOCK_BYTES - (stored % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#local = {};
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#entries++;
    if (raw.type === 'S') {
      const regions = regionsInBlock(this.#block, OLD_SPARSE.regions, OLD_SPARSE.count);
      if (this.#block[OLD_SPARSE.isExtended] === 0) yield* this.#beginSparse(header, regions, stored);
      else this.#part = { kind: 'regions', header, stored, regions };
    } else if (pax.sparse === undefined) yield* this.#begin(header, stored, undefined);
    else if (!pax.sparse.isMapInData) yield* this.#beginSparse(header, pax.sparse.regions, stored);
    else if (stored < BLOCK_BYTES) throw new BuildError(`tar: ${shownName(header)}: a sparse file without its map`);
    else this.#part = { kind: 'map', header, left: stored, text: new SparseMapText() };
  }

  *#begin(header: TarHeader, stored: number, sparse: SparseData | undefined): Generator<TarEvent> {
    yield { kind: 'entry', header, dataOffset: this.#offset };
    this.#part = stored > 0 ? { kind: 'file', left: stored, sparse } : { kind: 'header' };
    if (stored > 0) return;
    if (sparse !== undefined) yield* sparse.end();
    yield { kind: 'end' };
  }

  *#beginSparse(header: TarHeader, regions: RegionNumbers, stored: number): Generator<TarEvent> {
    const map = naming(header.name, () => checkSparseMap(regions, header.sizeBytes, stored));
    yield* this.#begin(header, stored, new SparseData(map));
  }

  *#moreRegions({ header, stored, regions }: Part & { kind: 'regions' }): Generator<TarEvent> {
    regions.push(...naming(header.name, () => regionsInBlock(this.#block, 0, MORE_SPARSE.count)));
    if (regions.length > 2 * MAX_REGIONS)
      throw new BuildError(`tar: ${shownName(header)}: a sparse file's map has more than ${MAX_REGIONS} regions`);
    if (this.#block[MORE_SPARSE.isExtended] === 0) yield* this.#beginSparse(header, regions, stored);
  }

  *#mapBlock(part: Part & { kind: 'map' }): Generator<TarEvent> {
    const { header, text } = part;
    part.left -= BLOCK_BYTES;
    const isComplete = naming(header.name, () => text.push(this.#block));
    if (isComplete && part.left >= 0) yield* this.#beginSparse(header, text.regions, part.left);
    else if (part.left < BLOCK_BYTES) throw new BuildError(`tar: ${shownName(header)}: a sparse file's map is cut off`);
  }

  #headerOf(raw: RawTarHeader, pax: PaxRecords): TarHeader {
    const name = pax.sparse?.name ?? pax.path ?? this.#longName ?? decodeBytes(raw.name);
    const linkName = pax.linkPath ?? this.#longLink ?? decodeBytes(raw.linkName);
    const shown = JSON.stringify(name.slice(0, 80));
    const isOldSparse = raw.type === 'S' && raw.isGnu;
    let kind = Object.hasOwn(KINDS, raw.type) ? KINDS[raw.type] : isOldSparse ? 'file' : undefined;
    if (kind === undefined) throw new BuildError(`tar: ${shown}: unknown type ${JSON.stringify(raw.type)}`);
    // In archives of the seventh edition a directory is known by its name only.
    if (kind === 'file' && name.endsWith('/')) kind = 'dir';
    const isSparse = isOldSparse || pax.sparse !== undefined;
    if (isSparse && (kind !== 'file' || (isOldSparse && pax.sparse !== undefined)))
      throw new BuildError(`tar: ${shown}: the map of a sparse file where none can be`);
    const realBytes = isOldSparse ? tarNumber(this.#block, OLD_SPARSE.realBytes, 12, 'size') : pax.sparse?.realBytes;
    if (isSparse && realBytes === undefined) throw new BuildError(`tar: ${shown}: a sparse file without its size`);
    const xattrs = naming(name, () => xattrsOf(pax));
    return {
      kind,
      name,
      linkName,
      mode: raw.mode,
      uid: pax.uid ?? raw.uid,
      gid: pax.gid ?? raw.gid,
      sizeBytes: kind === 'file' ? (realBytes ?? pax.sizeBytes ?? raw.sizeBytes) : 0,
      isSparse,
      mtime: pax.mtime ?? raw.mtime,
      major: raw.major,
      minor: raw.minor,
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  #extension(type: string, bytes: Uint8Array): void {
    const text = (): string => decodeBytes(bytes.subarray(0, bytes.includes(0) ? bytes.indexOf(0) : bytes.length));
    if (type === 'L') this.#longName = text();
    else if (type === 'K') this.#longLink = text();
    else if (type === 'g') {
      const records = parsePax(bytes);
      if (records.sparse !== undefined)
        throw new BuildError('tar: the map of a sparse file in a header that means all files');
      this.#global = { ...this.#global, ...records };
    } else this.#local = { ...this.#local, ...parsePax(bytes) };
  }
}

/** Attributes, with access lists among them; where the attribute itself is there as well, it has the numbers for certain. */
function xattrsOf({ xattrs, accessLists }: PaxRecords): ReadonlyMap<string, Uint8Array> | undefined {
  if (accessLists === undefined) return xattrs;
  const all = new Map(xattrs);
  for (const [name, text] of accessLists) {
    const value = all.has(name) ? undefined : accessListValue(text);
    if (value !== undefined) all.set(name, value);
  }
  return all.size === 0 ? undefined : all;
}

function shownName({ name }: TarHeader): string {
  return JSON.stringify(name.slice(0, 80));
}

/** Says of which entry an error is. */
function naming<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(`tar: ${JSON.stringify(name.slice(0, 80))}: ${error.message.replace(/^tar: /, '')}`, error);
  }
}
