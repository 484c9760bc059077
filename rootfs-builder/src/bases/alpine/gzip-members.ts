import { crc32, inflateRawSync } from 'node:zlib';
import { BuildError, reasonOf } from '../../build-error.ts';

/** What one member may hold unpacked; the largest package of Alpine's main repository has some hundred MiB. */
const MAX_MEMBER_BYTES = 2 * 1024 ** 3;
/** Members of an apk: signature, control, data; an index has the first two. */
const MAX_MEMBERS = 8;

const FLAG_HEADER_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

/** One member of a gzip file. */
export interface GzipMember {
  /** The member as it stands in the file: what signatures and digests of apk are made of. */
  readonly raw: Uint8Array;
  readonly data: Uint8Array;
}

/** Takes a gzip file apart into its members (RFC 1952). Throws BuildError for anything that is wrong with it. */
export function gzipMembers(bytes: Uint8Array, what: string): GzipMember[] {
  const members: GzipMember[] = [];
  for (let at = 0; at < bytes.length;) {
    if (members.length === MAX_MEMBERS) throw new BuildError(`${what}: more than ${MAX_MEMBERS} gzip members`);
    const start = at + headerLength(bytes.subarray(at), what);
    const { data, length } = inflate(bytes.subarray(start), what);
    const trailer = start + length;
    if (trailer + 8 > bytes.length) throw new BuildError(`${what}: the gzip file is cut off`);
    const view = new DataView(bytes.buffer, bytes.byteOffset + trailer, 8);
    if (view.getUint32(0, true) !== crc32(data) || view.getUint32(4, true) !== data.length % 2 ** 32)
      throw new BuildError(`${what}: the gzip file's checksum is wrong`);
    members.push({ raw: bytes.subarray(at, trailer + 8), data });
    at = trailer + 8;
  }
  return members;
}

function headerLength(bytes: Uint8Array, what: string): number {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) throw new BuildError(`${what}: not gzip`);
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & FLAG_EXTRA) !== 0) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  for (const flag of [FLAG_NAME, FLAG_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end === -1) throw new BuildError(`${what}: the gzip header is cut off`);
    at = end + 1;
  }
  if ((flags & FLAG_HEADER_CRC) !== 0) at += 2;
  if (at >= bytes.length) throw new BuildError(`${what}: the gzip header is cut off`);
  return at;
}

/** What `info: true` gives (zlib documentation, "convenience methods"); the types know the buffer only. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function inflate(bytes: Uint8Array, what: string): { data: Uint8Array; length: number } {
  try {
    const { buffer, engine } = inflateRawSync(bytes, {
      info: true,
      maxOutputLength: MAX_MEMBER_BYTES,
    }) as unknown as Inflated;
    return { data: buffer, length: engine.bytesWritten };
  } catch (error) {
    throw new BuildError(`${what}: unpack: ${reasonOf(error)}`, error);
  }
}
