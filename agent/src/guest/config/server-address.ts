/** Where the agent API listens, or is dialled. */
export type ServerAddress =
  | { readonly kind: 'vsock'; readonly cid: number; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'abstract'; readonly name: string };

/** VMADDR_CID_ANY of vsock(7). */
export const VSOCK_CID_ANY = 0xffffffff;

/** sun_path of unix(7) holds 108 bytes, one of which ends a path or begins an abstract name. */
const MAX_UNIX_NAME_UNITS = 107;

/** A decimal number that fits 32 bits without a sign, or undefined. */
function parseUint32(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffffffff ? value : undefined;
}

function parseVsock(rest: string): ServerAddress | string {
  const parts = rest.split(':');
  const [cidText = '', portText = ''] = parts;
  if (parts.length !== 2) return 'a vsock address has the form vsock://CID:PORT';
  const cid = cidText === '-1' ? VSOCK_CID_ANY : parseUint32(cidText);
  if (cid === undefined) return `vsock context id ${cidText} is not a number of 32 bits or -1`;
  const port = parseUint32(portText);
  if (port === undefined) return `vsock port ${portText} is not a number of 32 bits`;
  return { kind: 'vsock', cid, port };
}

function parseUnix(rest: string): ServerAddress | string {
  const isAbstract = rest.startsWith('@');
  const name = isAbstract ? rest.slice(1) : rest;
  if (name === '' || name.includes('\0')) return 'the socket has no usable name';
  if (name.length > MAX_UNIX_NAME_UNITS) return `a socket name has at most ${MAX_UNIX_NAME_UNITS} bytes`;
  if (isAbstract) return { kind: 'abstract', name };
  return name.startsWith('/') ? { kind: 'unix', path: name } : 'a socket path must be absolute';
}

/**
 * Parses `vsock://CID:PORT`, `unix:///PATH` or `unix://@NAME`; the scheme is case-sensitive (contract section 4).
 * Returns the reason as text when the address is not one of these.
 *
 * `tcp://` is refused on purpose: a TCP port of the guest can be reached from the workload's network, and unlike
 * vsock it has no peer address that proves that the caller is the host. No host passes such an address.
 */
export function parseServerAddress(text: string): ServerAddress | string {
  if (text.startsWith('vsock://')) return parseVsock(text.slice('vsock://'.length));
  if (text.startsWith('unix://')) return parseUnix(text.slice('unix://'.length));
  if (text.startsWith('tcp://')) return 'tcp is not supported, because a workload could reach the port';
  return 'the address must begin with vsock:// or unix://';
}

/** The text form that `parseServerAddress` reads. */
export function formatServerAddress(address: ServerAddress): string {
  switch (address.kind) {
    case 'vsock':
      return `vsock://${address.cid === VSOCK_CID_ANY ? '-1' : address.cid}:${address.port}`;
    case 'unix':
      return `unix://${address.path}`;
    case 'abstract':
      return `unix://@${address.name}`;
  }
}
