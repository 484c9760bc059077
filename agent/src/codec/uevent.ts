import { decodeBytes } from '../base/text.ts';

/** A kernel object event (netlink group 1): `ACTION@DEVPATH`, then `KEY=VALUE` texts, each ended by a NUL. */
export interface Uevent {
  /** `add`, `remove`, `change`, `bind`... */
  readonly action: string;
  /** Path below `/sys`, e.g. `/devices/pci0000:00/0000:00:02.0/virtio1/block/vda`. */
  readonly devicePath: string;
  /** Empty when the event has none. */
  readonly subsystem: string;
}

/** The kernel's own buffer (UEVENT_BUFFER_SIZE of kobject.h) with its header; larger messages are not the kernel's. */
export const MAX_UEVENT_BYTES = 8192;

/** Reads an event; undefined for anything that does not look like the kernel's. */
export function decodeUevent(bytes: Uint8Array): Uevent | undefined {
  if (bytes.length > MAX_UEVENT_BYTES) return undefined;
  const [header = '', ...entries] = decodeBytes(bytes).split('\0');
  const at = header.indexOf('@');
  const action = header.slice(0, Math.max(at, 0));
  const devicePath = header.slice(at + 1);
  if (!/^[a-z]{1,16}$/.test(action) || !devicePath.startsWith('/')) return undefined;
  const subsystem = entries.find((entry) => entry.startsWith('SUBSYSTEM='));
  return { action, devicePath, subsystem: subsystem?.slice('SUBSYSTEM='.length) ?? '' };
}
