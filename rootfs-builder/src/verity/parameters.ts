import { BuildError } from '../build-error.ts';
import type { VerityParameters, VerityRequest } from '../format/format.ts';

export type { VerityParameters };

/** The line of `root_hash_<variant>.txt`, which is also the value of Kata's `kernel_verity_params`. */
export function verityLine(verity: VerityParameters): string {
  const { rootHash, salt, dataBlocks, dataBlockSize, hashBlockSize } = verity;
  return `root_hash=${rootHash},salt=${salt},data_blocks=${dataBlocks},data_block_size=${dataBlockSize},hash_block_size=${hashBlockSize}`;
}

/** Reads that line. Throws BuildError when a part is missing, repeated or malformed. */
export function parseVerityLine(line: string): VerityParameters {
  const parts = new Map<string, string>();
  for (const part of line.trim().split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals));
    if (equals < 1 || parts.has(key)) throw new BuildError(`verity parameters: bad part ${JSON.stringify(part)}`);
    parts.set(key, part.slice(equals + 1));
  }
  const take = (key: string, form: RegExp): string => {
    const value = parts.get(key);
    if (value === undefined || !form.test(value))
      throw new BuildError(`verity parameters: ${key} is ${value === undefined ? 'missing' : JSON.stringify(value)}`);
    parts.delete(key);
    return value;
  };
  const verity = {
    rootHash: take('root_hash', /^[0-9a-f]{64}$/),
    salt: take('salt', /^(?:[0-9a-f]{2}){0,256}$/),
    dataBlocks: Number(take('data_blocks', /^[1-9]\d{0,14}$/)),
    dataBlockSize: Number(take('data_block_size', /^[1-9]\d{2,6}$/)),
    hashBlockSize: Number(take('hash_block_size', /^[1-9]\d{2,6}$/)),
  };
  const [stray] = parts.keys();
  if (stray !== undefined) throw new BuildError(`verity parameters: unknown part ${JSON.stringify(stray)}`);
  return verity;
}

/**
 * The kernel parameter that makes the verity device at boot (CONFIG_DM_INIT; admin-guide/device-mapper/dm-init.rst). With
 * a superblock the tree begins at hash block 1, without one at 0.
 */
export function dmModCreate(
  verity: VerityParameters,
  dataDevice: string,
  hashDevice: string,
  hashStartBlock: 0 | 1,
): string {
  const { rootHash, salt, dataBlocks, dataBlockSize, hashBlockSize } = verity;
  const sectors = (dataBlocks * dataBlockSize) / 512;
  const target = `verity 1 ${dataDevice} ${hashDevice} ${dataBlockSize} ${hashBlockSize} ${dataBlocks} ${hashStartBlock} sha256 ${rootHash} ${salt === '' ? '-' : salt}`;
  return `dm-mod.create="dm-verity,,,ro,0 ${sectors} ${target}"`;
}

/** Throws BuildError when the variant could lead out of the folder, or the salt is no salt. */
export function checkVerityRequest({ variant, salt }: VerityRequest): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(variant))
    throw new BuildError(`verity: variant ${JSON.stringify(variant)}: letters, digits, "_", "." and "-" only`);
  if (salt !== undefined && !/^(?:[0-9a-f]{2}){0,256}$/.test(salt))
    throw new BuildError(`verity: salt ${JSON.stringify(salt.slice(0, 80))}: must be hexadecimal, up to 256 bytes`);
}
