import { encodeBytes } from '../../base/text.ts';
import { AF_NETLINK, AF_UNIX, AF_VSOCK } from '../constants.ts';
import { layouts } from '../layouts.ts';
import { StructView } from './struct-view.ts';

/** Bytes of an address and how many of them count. */
export interface SocketAddress {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** unix(7): a path, or `@name` for the abstract namespace. At most 107 bytes. */
export function unixAddress(path: string): SocketAddress {
  const at = layouts.sockaddr_un;
  const isAbstract = path.startsWith('@');
  const name = encodeBytes(isAbstract ? path.slice(1) : path);
  if (name.length === 0 || name.length > 107 || name.includes(0))
    throw new RangeError(`unix socket address ${JSON.stringify(path)}: 1 to 107 bytes without NUL are expected`);
  const view = new StructView(at.sizeof).setU16(at.sun_family, AF_UNIX);
  view.bytes.set(name, at.sun_path + (isAbstract ? 1 : 0));
  return { bytes: view.bytes, length: at.sun_path + name.length + 1 };
}

/** vsock(7). `cid` and `port` are unsigned 32-bit numbers. */
export function vsockAddress(cid: number, port: number): SocketAddress {
  const at = layouts.sockaddr_vm;
  const view = new StructView(at.sizeof)
    .setU16(at.svm_family, AF_VSOCK)
    .setU32(at.svm_port, port)
    .setU32(at.svm_cid, cid);
  return { bytes: view.bytes, length: at.sizeof };
}

/** netlink(7). `groups` is a bit mask. */
export function netlinkAddress(port: number, groups: number): SocketAddress {
  const at = layouts.sockaddr_nl;
  const view = new StructView(at.sizeof)
    .setU16(at.nl_family, AF_NETLINK)
    .setU32(at.nl_pid, port)
    .setU32(at.nl_groups, groups);
  return { bytes: view.bytes, length: at.sizeof };
}

/** Who is at the other end, as far as we use it. */
export type Peer =
  | { readonly kind: 'vsock'; readonly cid: number; readonly port: number }
  | { readonly kind: 'netlink'; readonly port: number; readonly groups: number }
  | { readonly kind: 'unix' }
  | { readonly kind: 'other'; readonly family: number };

/** Reads the address the kernel filled in (`view` at least 110 bytes long). */
export function readPeer(view: StructView): Peer {
  const family = view.u16(0);
  if (family === AF_VSOCK)
    return {
      kind: 'vsock',
      cid: view.u32(layouts.sockaddr_vm.svm_cid),
      port: view.u32(layouts.sockaddr_vm.svm_port),
    };
  if (family === AF_NETLINK)
    return {
      kind: 'netlink',
      port: view.u32(layouts.sockaddr_nl.nl_pid),
      groups: view.u32(layouts.sockaddr_nl.nl_groups),
    };
  return family === AF_UNIX ? { kind: 'unix' } : { kind: 'other', family };
}
