/**
 * Why bytes are refused: `malformed`, no correct peer sends this; `text`, a string that is not UTF-8 or holds NUL; `limit`, more than we are
 * willing to hold (see `limits.ts`).
 */
export type ProtobufErrorKind = 'malformed' | 'text' | 'limit';

/** Bytes that are not an acceptable message of the expected type, or a value that cannot be written as one. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  readonly kind: ProtobufErrorKind;

  constructor(kind: ProtobufErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
