/** A section of an object file: what decides about its part of the kernel. */
interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly size: bigint;
  readonly link: number;
  readonly alignment: bigint;
  readonly content: Buffer;
}

/** Size of a section header, and of a symbol, of 64-bit ELF (elf(5)). */
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const RELA_BYTES = 24;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_RELA = 4;
const SHT_NOBITS = 8;

/**
 * Says what differs between two 64-bit little-endian object files; undefined when they have the same sections, bytes, relocations and
 * symbols. Numbers that the compiler appends to names of its own are not compared: with precompiled headers it counts from another
 * start. Nor is the order of symbols, which decides nothing.
 *
 * @throws {Error} when one is no such file.
 */
export function compareObjects(one: Buffer, other: Buffer): string | undefined {
  const left = readSections(one);
  const right = readSections(other);
  if (left.length !== right.length) return `${left.length} and ${right.length} sections`;
  for (const [index, section] of left.entries()) {
    const twin = right[index];
    if (!twin) return 'a section is missing';
    const { name } = section;
    if (name !== twin.name) return `section ${index} is ${name} and ${twin.name}`;
    const isSameKind =
      section.type === twin.type &&
      section.flags === twin.flags &&
      section.link === twin.link &&
      section.alignment === twin.alignment;
    if (!isSameKind) return `${name} is of another kind`;
    // Only names, which are compared where they are used.
    if (section.type === SHT_STRTAB) continue;
    if (section.size !== twin.size) return `${name} has ${section.size} and ${twin.size} bytes`;
    // The same bytes of these two may mean other names.
    if (section.type === SHT_SYMTAB) {
      const strange = firstStrange(readSymbols(left, index), readSymbols(right, index));
      if (strange !== undefined) return `symbol ${strange}`;
    } else if (section.type === SHT_RELA) {
      const strange = firstStrange(readRelocations(left, index), readRelocations(right, index));
      if (strange !== undefined) return `${name}: ${strange}`;
    } else if (!section.content.equals(twin.content)) return `${name} has other bytes`;
  }
  return undefined;
}

/** A symbol's name without the numbers that the compiler or `__COUNTER__` put into it. */
export function plainName(name: string): string {
  return name
    .replace(/^(__UNIQUE_ID_.*?)\d+(?:\.\d+)?$/, '$1#')
    .replace(/^(__initcall__kmod_\w+?__)\d+(?=_\d+_)/, '$1#')
    .replace(/(?:\.\d+)+$/, '.#');
}

/** The first text, in their order, that only one of two lists has. */
function firstStrange(one: readonly string[], other: readonly string[]): string | undefined {
  const left = [...one].sort();
  const right = [...other].sort();
  const index = left.findIndex((text, at) => text !== right[at]);
  return index < 0 ? undefined : `${left[index] ?? ''} is ${right[index] ?? ''}`;
}

/** Each symbol as text: its name, then kind, section, value and size in hex. */
function readSymbols(sections: readonly Section[], index: number): string[] {
  const { content, link } = sections[index] ?? { content: Buffer.alloc(0), link: 0 };
  const names = sections[link]?.content;
  return Array.from({ length: content.length / SYMBOL_BYTES }, (_, number) => {
    const at = number * SYMBOL_BYTES;
    const name = plainName(stringAt(names, content.readUInt32LE(at)));
    return `${name} ${content.toString('hex', at + 4, at + SYMBOL_BYTES)}`;
  });
}

/** Each relocation as text: its place, type and addend, and its symbol. */
function readRelocations(sections: readonly Section[], index: number): string[] {
  const { content, link } = sections[index] ?? { content: Buffer.alloc(0), link: 0 };
  const symbols = readSymbols(sections, link);
  return Array.from({ length: content.length / RELA_BYTES }, (_, number) => {
    const at = number * RELA_BYTES;
    const place = content.toString('hex', at, at + 12);
    return `${place} ${content.toString('hex', at + 16, at + RELA_BYTES)} ${symbols[content.readUInt32LE(at + 12)] ?? ''}`;
  });
}

function readSections(file: Buffer): Section[] {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const start = Number(file.readBigUInt64LE(40));
  const count = file.readUInt16LE(60);
  const namesIndex = file.readUInt16LE(62);
  const raw = Array.from({ length: count }, (_, index) => {
    const header = file.subarray(start + index * SECTION_HEADER_BYTES, start + (index + 1) * SECTION_HEADER_BYTES);
    const type = header.readUInt32LE(4);
    const offset = Number(header.readBigUInt64LE(24));
    const size = header.readBigUInt64LE(32);
    return {
      nameAt: header.readUInt32LE(0),
      type,
      flags: header.readBigUInt64LE(8),
      size,
      link: header.readUInt32LE(40),
      alignment: header.readBigUInt64LE(48),
      content: type === SHT_NOBITS ? Buffer.alloc(0) : file.subarray(offset, offset + Number(size)),
    };
  });
  const names = raw[namesIndex]?.content;
  return raw.map(({ nameAt, ...section }) => ({ ...section, name: plainName(stringAt(names, nameAt)) }));
}

function stringAt(table: Buffer | undefined, at: number): string {
  const end = table?.indexOf(0, at) ?? -1;
  return end < 0 ? '' : (table?.toString('latin1', at, end) ?? '');
}
