/**
 * Bytes that are not a message of the expected type, or a value that cannot be written as one.
 *
 * `malformed`: no correct peer sends this. `limit`: well-formed, but more than we are willing to hold (see `limits.ts`).
 */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  readonly kind: 'malformed' | 'limit';

  constructor(kind: 'malformed' | 'limit', message: string) {
    super(message);
    this.kind = kind;
  }
}
