/** Sockets: Unix (also with descriptors in messages), vsock, netlink. All are close-on-exec. */
import {
  AF_NETLINK,
  AF_UNIX,
  AF_VSOCK,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ERROR,
  SO_PEERCRED,
} from '../abi/constants.ts';
import { EAGAIN, ECONNABORTED, EMFILE } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import { netlinkAddress, readPeer, unixAddress, vsockAddress } from '../abi/structs/socket-address.ts';
import type { Peer, SocketAddress } from '../abi/structs/socket-address.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { addressOf } from './engine.ts';
import { Fd } from './fd.ts';
import { syscall, sysError, trySyscall } from './syscall.ts';

export type { Peer };

const types = { stream: SOCK_STREAM, seqpacket: SOCK_SEQPACKET } as const;

/** socketpair(2) of Unix sockets, blocking. */
export function socketPair(type: keyof typeof types): [Fd, Fd] {
  const numbers = new StructView(8);
  syscall('socketpair', type, nr.SYS_socketpair, AF_UNIX, types[type] | SOCK_CLOEXEC, 0, numbers.bytes);
  return [new Fd(numbers.i32(0), `${type} pair`), new Fd(numbers.i32(4), `${type} pair`)];
}

/** socket(2), non-blocking unless `isBlocking`. */
export function openSocket(family: number, type: number, protocol: number, what: string, isBlocking = false): Fd {
  const flags = type | SOCK_CLOEXEC | (isBlocking ? 0 : SOCK_NONBLOCK);
  return new Fd(syscall('socket', what, nr.SYS_socket, family, flags, protocol), what);
}

function bind(fd: Fd, address: SocketAddress): void {
  syscall('bind', fd.what, nr.SYS_bind, fd.number, address.bytes, address.length);
}

function listen(family: number, address: SocketAddress, what: string, backlog: number): Fd {
  return openSocket(family, SOCK_STREAM, 0, what).prepared((fd) => {
    bind(fd, address);
    syscall('listen', what, nr.SYS_listen, fd.number, backlog);
  });
}

/** Listens on a path, or on `@name` in the abstract namespace. An existing file is not removed. Non-blocking. */
export function listenUnix(path: string, backlog = 128): Fd {
  return listen(AF_UNIX, unixAddress(path), `unix://${path}`, backlog);
}

/** Listens on a vsock port; `cid` may be VMADDR_CID_ANY. Non-blocking. */
export function listenVsock(cid: number, port: number, backlog = 128): Fd {
  return listen(AF_VSOCK, vsockAddress(cid, port), `vsock://${cid}:${port}`, backlog);
}

/** Starts to connect a non-blocking socket; EINPROGRESS is no error: wait for it to become writable, then `connectionError`. */
function connect(family: number, address: SocketAddress, what: string): Fd {
  const fd = openSocket(family, SOCK_STREAM, 0, what);
  const result = trySyscall(nr.SYS_connect, fd.number, address.bytes, address.length);
  if (result < 0 && result !== -115 /* EINPROGRESS */ && result !== -EAGAIN) {
    fd.close();
    throw sysError('connect', result, what);
  }
  return fd;
}

export function connectUnix(path: string): Fd {
  return connect(AF_UNIX, unixAddress(path), `unix://${path}`);
}

export function connectVsock(cid: number, port: number): Fd {
  return connect(AF_VSOCK, vsockAddress(cid, port), `vsock://${cid}:${port}`);
}

/** The outcome of a connect in progress: 0, or a positive errno (SO_ERROR). */
export function connectionError(fd: Fd): number {
  const value = new StructView(4);
  const length = new StructView(4).setU32(0, 4);
  syscall('getsockopt', fd.what, nr.SYS_getsockopt, fd.number, SOL_SOCKET, SO_ERROR, value.bytes, length.bytes);
  return value.u32(0);
}

/** setsockopt(2) of a protocol's own level. */
export function setProtocolOption(fd: Fd, name: string, level: number, option: number, value: number): void {
  const view = new StructView(4).setU32(0, value);
  syscall('setsockopt', `${fd.what} ${name}`, nr.SYS_setsockopt, fd.number, level, option, view.bytes, 4);
}

/** accept4(2): a non-blocking connection and who made it; undefined when nobody is waiting. */
export function accept(listener: Fd): { readonly fd: Fd; readonly peer: Peer } | undefined {
  const address = new StructView(layouts.sockaddr_un.sizeof);
  const length = new StructView(4).setU32(0, address.bytes.length);
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  const result = trySyscall(nr.SYS_accept4, listener.number, address.bytes, length.bytes, flags);
  if (result === -EAGAIN || result === -ECONNABORTED) return undefined;
  if (result < 0) throw sysError('accept4', result, listener.what);
  return { fd: new Fd(result, `connection of ${listener.what}`), peer: readPeer(address) };
}

export function shutdown(fd: Fd, how: number): void {
  trySyscall(nr.SYS_shutdown, fd.number, how);
}

/** Most descriptors in one message; the kernel's own limit is 253. */
const MAX_DESCRIPTORS = 16;
const CONTROL_ALIGN = 8;

function controlBuffer(count: number): StructView {
  const bytes = layouts.cmsghdr.sizeof + count * 4;
  return new StructView(Math.ceil(bytes / CONTROL_ALIGN) * CONTROL_ALIGN);
}

/**
 * `struct msghdr` pointing at the given parts. The caller keeps them, and the returned view, in scope until the call is over.
 */
function messageHeader(iovec: StructView, control: StructView | undefined, name: StructView | undefined): StructView {
  const at = layouts.msghdr;
  const view = new StructView(at.sizeof).setU64(at.msg_iov, addressOf(iovec.bytes)).setU64(at.msg_iovlen, 1);
  if (control !== undefined)
    view.setU64(at.msg_control, addressOf(control.bytes)).setU64(at.msg_controllen, control.bytes.length);
  if (name !== undefined) view.setU64(at.msg_name, addressOf(name.bytes)).setU32(at.msg_namelen, name.bytes.length);
  return view;
}

function iovecOf(bytes: Uint8Array): StructView {
  const at = layouts.iovec;
  return new StructView(at.sizeof).setU64(at.iov_base, addressOf(bytes)).setU64(at.iov_len, bytes.length);
}

/** sendmsg(2) of one message with descriptors. Blocks only if the socket does. */
export function sendMessage(fd: Fd, bytes: Uint8Array, fds: readonly Fd[] = []): void {
  if (fds.length === 0) {
    syscall('sendto', fd.what, nr.SYS_sendto, fd.number, bytes, bytes.length, MSG_NOSIGNAL, null, 0);
    return;
  }
  const at = layouts.cmsghdr;
  const iovec = iovecOf(bytes);
  const control = controlBuffer(fds.length);
  control.setU64(at.cmsg_len, at.sizeof + fds.length * 4);
  control.setU32(at.cmsg_level, SOL_SOCKET).setU32(at.cmsg_type, SCM_RIGHTS);
  for (const [index, sent] of fds.entries()) control.setU32(at.sizeof + index * 4, sent.number);
  const header = messageHeader(iovec, control, undefined);
  syscall('sendmsg', fd.what, nr.SYS_sendmsg, fd.number, header.bytes, MSG_NOSIGNAL);
}

export interface ReceivedMessage {
  /** Empty at the end of the stream. */
  readonly bytes: Uint8Array;
  readonly fds: Fd[];
  readonly peer: Peer;
}

/** Where large messages land before their bytes are copied out; made when the first one is asked for. */
let scratch: Uint8Array | undefined;
const SMALL_MESSAGE_BYTES = 1024;

function messageBuffer(maxBytes: number): Uint8Array {
  if (maxBytes <= SMALL_MESSAGE_BYTES) return new Uint8Array(maxBytes);
  if (scratch === undefined || scratch.length < maxBytes) scratch = new Uint8Array(maxBytes);
  return scratch.subarray(0, maxBytes);
}

/** recvmsg(2): one message, its descriptors and its sender. Undefined when a non-blocking socket has none. */
export function receiveMessage(
  fd: Fd,
  maxBytes: number,
  flags = 0,
  maxDescriptors = MAX_DESCRIPTORS,
): ReceivedMessage | undefined {
  const buffer = messageBuffer(maxBytes);
  const iovec = iovecOf(buffer);
  const control = controlBuffer(maxDescriptors);
  const name = new StructView(layouts.sockaddr_un.sizeof);
  const header = messageHeader(iovec, control, name);
  const length = trySyscall(nr.SYS_recvmsg, fd.number, header.bytes, flags | MSG_CMSG_CLOEXEC);
  if (length === -EAGAIN) return undefined;
  if (length < 0) throw sysError('recvmsg', length, fd.what);
  const fds = receivedDescriptors(control, Number(header.u64(layouts.msghdr.msg_controllen)));
  const outcome = header.u32(layouts.msghdr.msg_flags);
  if ((outcome & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
    for (const received of fds) received.close();
    // Descriptors that found no room: in the buffer, or in our own table.
    if ((outcome & MSG_TRUNC) === 0) throw sysError('recvmsg', -EMFILE, `${fd.what}: descriptors of a message`);
    throw new Error(`recvmsg ${fd.what}: message larger than ${maxBytes} bytes`);
  }
  return { bytes: buffer.slice(0, length), fds, peer: readPeer(name) };
}

/** Bytes of the packet that comes next, or -errno; 0 at the end of the stream. Takes nothing, and never waits. */
export function tryNextLength(fd: Fd): number {
  return trySyscall(nr.SYS_recvfrom, fd.number, null, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, null, null);
}

function receivedDescriptors(control: StructView, length: number): Fd[] {
  const at = layouts.cmsghdr;
  const fds: Fd[] = [];
  for (let offset = 0; offset + at.sizeof <= length;) {
    const size = Number(control.u64(offset + at.cmsg_len));
    if (size < at.sizeof) break;
    if (control.u32(offset + at.cmsg_type) === SCM_RIGHTS && control.u32(offset + at.cmsg_level) === SOL_SOCKET)
      for (let entry = offset + at.sizeof; entry + 4 <= offset + size; entry += 4)
        fds.push(new Fd(control.i32(entry), 'received'));
    offset += Math.ceil(size / CONTROL_ALIGN) * CONTROL_ALIGN;
  }
  return fds;
}

/** send(2) without waiting and without SIGPIPE: bytes taken, or -errno. */
export function trySend(fd: Fd, bytes: Uint8Array): number {
  return trySyscall(nr.SYS_sendto, fd.number, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, null, 0);
}

/** A bound netlink socket; port 0 lets the kernel choose. */
export function openNetlink(protocol: number, groups: number, isBlocking = false): Fd {
  const socket = openSocket(AF_NETLINK, SOCK_RAW, protocol, `netlink ${protocol}`, isBlocking);
  return socket.prepared((fd) => bind(fd, netlinkAddress(0, groups)));
}

/** Who listens at the other end of a connected Unix socket, or who connected: its pid as seen here, 0 when it cannot be seen. */
export function peerPid(fd: Fd): number {
  const at = layouts.ucred;
  const view = new StructView(at.sizeof);
  const length = new StructView(4).setU32(0, at.sizeof);
  syscall(
    'getsockopt',
    `${fd.what} SO_PEERCRED`,
    nr.SYS_getsockopt,
    fd.number,
    SOL_SOCKET,
    SO_PEERCRED,
    view.bytes,
    length.bytes,
  );
  return view.i32(at.pid);
}

function openPacketSocket(path: string): Fd {
  return openSocket(AF_UNIX, SOCK_SEQPACKET, 0, `unix://${path}`, true);
}

/** A Unix SOCK_SEQPACKET socket bound to a path, blocking, not listening yet. */
export function bindPacketSocket(path: string): Fd {
  return openPacketSocket(path).prepared((fd) => bind(fd, unixAddress(path)));
}

/** A connection to such a socket, blocking. */
export function connectPacketSocket(path: string): Fd {
  return openPacketSocket(path).prepared((fd) => {
    const address = unixAddress(path);
    syscall('connect', fd.what, nr.SYS_connect, fd.number, address.bytes, address.length);
  });
}

/** listen(2); on a socket that listens already, the caller becomes the one that peers see. */
export function startListening(fd: Fd, backlog: number): void {
  syscall('listen', fd.what, nr.SYS_listen, fd.number, backlog);
}

/** accept4(2), waiting. The connection is blocking. */
export function acceptBlocking(listener: Fd): Fd {
  const number = syscall('accept4', listener.what, nr.SYS_accept4, listener.number, null, null, SOCK_CLOEXEC);
  return new Fd(number, `connection of ${listener.what}`);
}
