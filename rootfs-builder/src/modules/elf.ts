import { BuildError } from '../build-error.ts';

/** `sizeof(Elf64_Shdr)` */
const SECTION_HEADER_BYTES = 64;

/** Little-endian 64-bit ELF only: x86_64 and aarch64 (elf(5)). */
function viewOf(bytes: Uint8Array, what: string): DataView {
  const isElf = bytes.length >= 64 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  if (!isElf || bytes[4] !== 2 || bytes[5] !== 1) throw new BuildError(`${what}: not a 64-bit little-endian ELF file`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes of the named section, or undefined. Throws BuildError when the file is not an ELF file or is damaged. */
export function elfSection(bytes: Uint8Array, name: string, what: string): Uint8Array | undefined {
  const view = viewOf(bytes, what);
  try {
    const table = Number(view.getBigUint64(40, true));
    const entryBytes = view.getUint16(58, true);
    const count = view.getUint16(60, true);
    // Smaller ones would overlap, so that one read many times over makes the work grow with the square of the file.
    if (entryBytes < SECTION_HEADER_BYTES) throw new RangeError(`section headers of ${entryBytes} bytes`);
    const section = (index: number): { nameAt: number; body: Uint8Array } => {
      const at = table + index * entryBytes;
      const start = Number(view.getBigUint64(at + 24, true));
      const size = Number(view.getBigUint64(at + 32, true));
      return { nameAt: view.getUint32(at, true), body: bytes.subarray(start, start + size) };
    };
    const names = section(view.getUint16(62, true)).body;
    for (let index = 1; index < count; index++) {
      const { nameAt, body } = section(index);
      const end = names.indexOf(0, nameAt);
      if (Buffer.from(names.subarray(nameAt, end)).toString('latin1') === name) return body;
    }
    return undefined;
  } catch (error) {
    throw new BuildError(`${what}: damaged ELF file`, error);
  }
}

/** True when the program asks for a dynamic loader (PT_INTERP), so that it does not run in a root without libraries. */
export function needsLoader(bytes: Uint8Array, what: string): boolean {
  const PT_INTERP = 3;
  const view = viewOf(bytes, what);
  try {
    const table = Number(view.getBigUint64(32, true));
    const entryBytes = view.getUint16(54, true);
    for (let index = 0; index < view.getUint16(56, true); index++) {
      if (view.getUint32(table + index * entryBytes, true) === PT_INTERP) return true;
    }
    return false;
  } catch (error) {
    throw new BuildError(`${what}: damaged ELF file`, error);
  }
}
