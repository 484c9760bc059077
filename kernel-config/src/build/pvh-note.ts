/** `XEN_ELFNOTE_PHYS32_ENTRY` of xen/interface/elfnote.h: the 32-bit entry that QEMU's `-kernel` jumps to. */
const PHYS32_ENTRY = 18;
const PT_NOTE = 4;
const ELF_HEADER_BYTES = 64;

/**
 * Finds the PVH entry address of a 64-bit little-endian ELF, the way a VMM does: through the program headers of
 * type PT_NOTE, notes named "Xen". Undefined when the bytes are no such ELF or have no such note.
 *
 * Sources: elf(5); Xen's docs/misc/pvh.pandoc.
 */
export function findPvhEntry(elf: Uint8Array): number | undefined {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (elf.length < ELF_HEADER_BYTES || view.getUint32(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1)
    return undefined;
  const tableOffset = Number(view.getBigUint64(32, true));
  const entryBytes = view.getUint16(54, true);
  const entryCount = view.getUint16(56, true);
  if (entryBytes < 56) return undefined;
  for (let index = 0; index < entryCount; index++) {
    const header = tableOffset + index * entryBytes;
    if (header + 56 > elf.length) return undefined;
    if (view.getUint32(header, true) !== PT_NOTE) continue;
    const offset = Number(view.getBigUint64(header + 8, true));
    const size = Number(view.getBigUint64(header + 32, true));
    const entry = findInNotes(view, offset, Math.min(offset + size, elf.length));
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** Notes are 12 bytes of lengths and type, then name and descriptor, each padded to 4 bytes. */
function findInNotes(view: DataView, start: number, end: number): number | undefined {
  let position = start;
  while (position + 12 <= end) {
    const nameBytes = view.getUint32(position, true);
    const descriptorBytes = view.getUint32(position + 4, true);
    const type = view.getUint32(position + 8, true);
    const name = position + 12;
    const descriptor = name + pad4(nameBytes);
    const next = descriptor + pad4(descriptorBytes);
    if (next > end) return undefined;
    if (type === PHYS32_ENTRY && nameBytes === 4 && view.getUint32(name) === 0x58656e00 && descriptorBytes >= 4) {
      return view.getUint32(descriptor, true);
    }
    position = next;
  }
  return undefined;
}

function pad4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
