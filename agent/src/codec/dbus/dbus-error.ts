/** Bytes or texts that are not D-Bus, or a value that does not fit its type. */
export class DbusError extends Error {
  override readonly name = 'DbusError';
}
