import { DomainError } from '../base/errors.ts';

/** One step of a path: a slot on a bus, and the function in it. */
export interface PciSlot {
  /** 0 to 31. */
  readonly slot: number;
  /** 0 to 7. */
  readonly function: number;
}

/** The way to a PCI function through the bridges, as hosts write it: it does not depend on how buses were numbered. */
export interface PciPath {
  /** Number of the root bus: 0, or that of a pxb-pcie root complex (0x20 to 0xff). */
  readonly rootBus: number;
  /** From the root bus to the function itself; at least one. */
  readonly slots: readonly PciSlot[];
}

/** Bridges behind bridges; a machine has at most 256 buses. */
const MAX_SLOTS = 32;

function parseSlot(text: string): PciSlot | undefined {
  const match = /^([0-9a-fA-F]{1,2})(?:\.([0-7]))?$/.exec(text);
  const slot = Number.parseInt(match?.[1] ?? 'ff', 16);
  return slot <= 0x1f ? { slot, function: Number(match?.[2] ?? 0) } : undefined;
}

/**
 * Parses `SS[.F]` joined by `/`, hexadecimal (contract storage 7.2). With three elements or more, a first one of 0x20 and
 * above names a root complex. Throws a DomainError `internal` that names the text.
 */
export function parsePciPath(text: string): PciPath {
  const parts = text.split('/');
  const first = /^[0-9a-fA-F]{2}$/.test(parts[0] ?? '') ? Number.parseInt(parts[0] ?? '', 16) : 0;
  const hasRootComplex = parts.length >= 3 && first >= 0x20;
  const slots = (hasRootComplex ? parts.slice(1) : parts).slice(0, MAX_SLOTS + 1).map(parseSlot);
  if (slots.length > MAX_SLOTS || slots.includes(undefined)) {
    throw new DomainError('internal', `${JSON.stringify(text.slice(0, 100))} is not a PCI path such as 02/03`);
  }
  return { rootBus: hasRootComplex ? first : 0, slots: slots.filter((slot) => slot !== undefined) };
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** The canonical form, with functions: `02.0/03.0`. */
export function formatPciPath(path: PciPath): string {
  const slots = path.slots.map((each) => `${hex(each.slot)}.${each.function}`);
  return [...(path.rootBus === 0 ? [] : [hex(path.rootBus)]), ...slots].join('/');
}
