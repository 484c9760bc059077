/** Bytes that are no netlink message, or a value that does not fit one. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
}
