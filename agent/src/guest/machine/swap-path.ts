import { invalidArgument } from '../../base/errors.ts';

/** Slots of a bus are 0 to 31. */
const MAX_SLOT = 0x1f;
/** Bridges behind bridges; a machine has at most 256 buses. */
const MAX_SLOTS = 32;

/** AddSwap's list of slots (function 0 each, root bus 00) as a PCI path such as `02/03`. */
export function swapPciPath(slots: readonly number[]): string {
  if (slots.length === 0 || slots.length > MAX_SLOTS) throw invalidArgument('PCIPath', `${slots.length} slots`);
  return slots
    .map((slot) => {
      if (slot > MAX_SLOT) throw invalidArgument('PCIPath', `${slot} is no slot of a PCI bus`);
      return slot.toString(16).padStart(2, '0');
    })
    .join('/');
}
