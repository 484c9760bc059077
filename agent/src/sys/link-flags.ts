import { AF_UNIX, IFF_UP, SOCK_DGRAM } from '../abi/constants.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import { encodeBytes } from '../base/text.ts';
import { openSocket } from './socket.ts';
import { ioctl } from './terminal.ts';

/** `struct ifreq` of netdevice(7): a name of 16 bytes and a union of 24. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
/** Requests of netdevice(7), the same on every architecture. */
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;

/**
 * Brings an interface up. At boot one flag of one interface needs no netlink conversation; the device ioctls work on a
 * socket of any family. Throws SysError.
 */
export function setLinkUp(name: string): void {
  const request = new StructView(IFREQ_BYTES);
  const bytes = encodeBytes(name);
  if (bytes.length >= NAME_BYTES) throw new RangeError(`interface name ${name} is too long`);
  request.bytes.set(bytes);
  using socket = openSocket(AF_UNIX, SOCK_DGRAM, 0, `interface ${name}`);
  ioctl(socket, 'SIOCGIFFLAGS', SIOCGIFFLAGS, request.bytes);
  request.setU16(NAME_BYTES, request.u16(NAME_BYTES) | IFF_UP);
  ioctl(socket, 'SIOCSIFFLAGS', SIOCSIFFLAGS, request.bytes);
}
