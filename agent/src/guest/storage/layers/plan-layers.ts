import type { VerityTarget } from '../../../codec/device-mapper.ts';
import { parsePciPath } from '../../../codec/pci-path.ts';
import { parseScsiAddress } from '../../device/scsi-disk.ts';
import { storageFailure } from '../storage-error.ts';
import type { Storage } from '../storage.ts';
import { isLayer, isUpperLayer } from './layer-group.ts';

/** Checks of a layer's content against a hash tree behind it on the same partition. */
export type VerityPlan = Omit<VerityTarget, 'device'>;

/** Where a layer lies. */
export interface LayerSource {
  readonly driver: 'blk' | 'scsi';
  readonly address: string;
  /** On a disk with partitions. */
  readonly partition: number | undefined;
}

export interface LowerLayer extends LayerSource {
  readonly verity: VerityPlan | undefined;
}

export interface UpperLayer extends LayerSource {
  readonly options: readonly string[];
}

/** A directory to be made in a layer. */
export interface LayerDirectory {
  readonly layer: 'upper' | 'first lower';
  readonly parts: readonly string[];
}

export interface LayersPlan {
  /** Topmost first. */
  readonly lowers: readonly LowerLayer[];
  /** Undefined: the writable layer is a folder of the guest. */
  readonly upper: UpperLayer | undefined;
  readonly directories: readonly LayerDirectory[];
}

const LOWER = 'X-kata.overlay-lower';
const GPT = 'X-kata.gpt-partitioned=true';
const PARTITION = 'X-kata.partition-number=';
const VERITY = 'X-kata.dmverity';
const MKDIR = 'X-kata.mkdir.path=';
/** Their names fit into the one page that a mount takes. */
const MAX_LOWERS = 200;
/** GPT has 128 entries unless it was made otherwise; the kernel takes 255. */
const MAX_PARTITION = 255;
/** A verity superblock is one sector long. */
const SUPERBLOCK_BYTES = 512n;

function valueOf(options: readonly string[], name: string): string | undefined {
  return options.findLast((option) => option.startsWith(name))?.slice(name.length);
}

function source(storage: Storage, partition: number | undefined): LayerSource {
  const { driver, source: address } = storage;
  switch (driver) {
    case 'blk':
      parsePciPath(address);
      break;
    case 'scsi':
      parseScsiAddress(address);
      break;
    default:
      throw storageFailure(`unsupported driver ${driver} of a layer: blk and scsi are known`);
  }
  return { driver, address, partition };
}

function partitionOf({ options }: Storage): number {
  const text = valueOf(options, PARTITION);
  if (text === undefined) throw storageFailure(`${GPT} needs ${PARTITION}`);
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > MAX_PARTITION)
    throw storageFailure(`${PARTITION}${text}: 1 to ${MAX_PARTITION} are partitions`);
  return number;
}

function verityNumber(options: readonly string[], name: string, fallback: bigint | undefined): bigint {
  const text = valueOf(options, `${VERITY}.${name}=`);
  const value = text === undefined ? fallback : /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value > 0n) return value;
  throw storageFailure(`${VERITY}.${name}=${text ?? ''}: a number above zero is needed`);
}

function blockSize(options: readonly string[], name: string): number {
  const size = Number(verityNumber(options, name, 4096n));
  // dm-verity takes powers of two, and no more than a page.
  if (size >= 512 && size <= 65_536 && (size & (size - 1)) === 0) return size;
  throw storageFailure(`${VERITY}.${name}=${size}: a power of two from 512 to 65536 is needed`);
}

function verity({ options }: Storage): VerityPlan | undefined {
  if (!options.includes(`${VERITY}-enabled=true`)) return undefined;
  if (!options.includes(GPT)) throw storageFailure(`${VERITY}-enabled=true needs ${GPT}`);
  const text = (name: string, fallback: string, pattern: RegExp): string => {
    const value = valueOf(options, `${VERITY}.${name}=`) ?? fallback;
    if (pattern.test(value)) return value;
    throw storageFailure(`${VERITY}.${name}=${value.slice(0, 80)} is not understood`);
  };
  const blockBytes = blockSize(options, 'blocksize');
  const hashBytes = blockSize(options, 'hashsize');
  const hashOffset = verityNumber(options, 'hashoffset', undefined);
  if (hashOffset % BigInt(blockBytes) !== 0n)
    throw storageFailure(`${VERITY}.hashoffset=${hashOffset} is not a multiple of the block size ${blockBytes}`);
  const hasSuperblock = text('no-superblock', 'false', /^(?:true|false)$/) === 'false';
  const hashSize = BigInt(hashBytes);
  const superblock = hasSuperblock ? (SUPERBLOCK_BYTES + hashSize - 1n) / hashSize : 0n;
  const salt = text('salt', '-', /^(?:-?|(?:[0-9a-fA-F]{2}){1,256})$/);
  return {
    hashType: Number(text('hashtype', '1', /^[01]$/)),
    dataBlockBytes: blockBytes,
    hashBlockBytes: hashBytes,
    dataBlocks: hashOffset / BigInt(blockBytes),
    hashStart: hashOffset / hashSize + superblock,
    algorithm: text('algorithm', 'sha256', /^[a-z0-9_-]{1,32}$/),
    rootHash: text('roothash', '', /^(?:[0-9a-fA-F]{2}){16,64}$/),
    salt: salt === '' ? '-' : salt,
  };
}

const template = /^\{\{ ?mount ([01]) ?\}\}(\/.*)$/;

/** Names of a path inside a layer; `..` never leads out of it. */
function confined(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}

function directories(layers: readonly Storage[], hasUpper: boolean): LayerDirectory[] {
  return layers.flatMap(({ options }) =>
    options
      .filter((option) => option.startsWith(MKDIR))
      .map((option): LayerDirectory => {
        const text = option.slice(MKDIR.length).split(':')[0] ?? '';
        const [, mount, path = ''] = template.exec(text) ?? [];
        if (mount === undefined) throw storageFailure(`${MKDIR}${text.slice(0, 200)}: {{ mount 0 }}/... is expected`);
        if (mount === '0' && !hasUpper) throw storageFailure(`${MKDIR}${text}: there is no upper layer`);
        const parts = confined(path);
        if (parts.length === 0) throw storageFailure(`${MKDIR}${text} names no directory`);
        return { layer: mount === '0' ? 'upper' : 'first lower', parts };
      }),
  );
}

/** What is to be done for a group of layers (contract storage 4.8). Throws a DomainError that names the option. */
export function planLayers(layers: readonly Storage[]): LayersPlan {
  const uppers = layers.filter(isUpperLayer);
  const isLower = (storage: Storage): boolean =>
    !isUpperLayer(storage) && (storage.options.includes(LOWER) || (storage.fstype === 'erofs' && isLayer(storage)));
  const [upper] = uppers;
  if (uppers.length > 1) throw storageFailure(`${uppers.length} upper layers, one is possible`);
  if (upper !== undefined && upper.fstype !== 'ext4')
    throw storageFailure(`X-kata.overlay-upper needs the type ext4, not ${upper.fstype}`);
  const stray = layers.find((storage) => storage !== upper && !isLower(storage));
  if (stray !== undefined)
    throw storageFailure(`${stray.source} (${stray.fstype}) is neither an upper nor a lower layer`);
  const members = layers.filter(isLower);
  if (members.length === 0) throw storageFailure('no lower layer');
  if (members.length > MAX_LOWERS) throw storageFailure(`${members.length} lower layers, at most ${MAX_LOWERS} fit`);
  const wrong = members.find((storage) => storage.fstype !== 'erofs');
  if (wrong !== undefined) throw storageFailure(`a lower layer needs the type erofs, not ${wrong.fstype}`);
  const isPartitioned = members.some(({ options }) => options.includes(GPT));
  const lowers = members.map((storage): LowerLayer => ({
    ...source(storage, isPartitioned ? partitionOf(storage) : undefined),
    verity: verity(storage),
  }));
  if (isPartitioned) lowers.sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0));
  return {
    lowers,
    upper: upper && {
      ...source(upper, undefined),
      options: upper.options.filter((option) => !option.startsWith('X-kata.')),
    },
    directories: directories(layers, upper !== undefined),
  };
}

/** Node of a partition: a disk whose name ends in a digit puts a `p` in between (disk_name, block/partitions). */
export function partitionNode(disk: string, partition: number | undefined): string {
  if (partition === undefined) return disk;
  return `${disk}${/\d$/.test(disk) ? 'p' : ''}${partition}`;
}
