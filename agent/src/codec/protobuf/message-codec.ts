import type { AnyInit } from './encode.ts';
import { encodeMessage } from './encode.ts';
import type { DecodeOptions } from './decode.ts';
import { decodeMessage } from './decode.ts';
import type { MessageType, Schema } from './schema.ts';

/** What may be given to `encode` for a value of a decoded message: every field optional, at every level. */
export type Init<T> = T extends string | number | bigint | boolean | Uint8Array | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Init<E>[]
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<K, Init<V>>
      : { readonly [K in keyof T]?: Init<T[K]> | undefined };

/**
 * Encoder and decoder of one message type.
 *
 * A decoded message has null at the end of its prototype chain. Fields that were on the wire are own properties; absent ones read
 * as their proto3 default through the prototype (`''`, `0`, `0n`, `false`, empty bytes, an empty frozen list, an empty map), and as undefined
 * where absence is visible: sub-messages and `optional` scalars. 64-bit numbers are bigint, maps are Map, so a key like
 * `__proto__` is data.
 */
export class MessageCodec<T extends object> {
  readonly #schema: Schema;
  readonly #index: number;

  constructor(schema: Schema, index: number) {
    this.#schema = schema;
    this.#index = index;
  }

  /** Fields by name, number and kind, for code that walks a message by its schema. */
  get type(): MessageType {
    return this.#schema.type(this.#index);
  }

  get schema(): Schema {
    return this.#schema;
  }

  /** Throws `ProtobufError` when `bytes` is not such a message. The result may keep a view of `bytes`. */
  decode(bytes: Uint8Array, options: DecodeOptions = {}): T {
    return decodeMessage(this.#schema, this.#index, bytes, options) as T;
  }

  /**
   * Writes the fields that are set, in order of their numbers, behind `reserve` zero bytes. Throws `ProtobufError` when a value
   * does not fit its field.
   */
  encode(message: Init<T>, reserve = 0): Uint8Array {
    return encodeMessage(this.#schema, this.#index, message as AnyInit, reserve);
  }

  /** A message with only the given fields, as if it had been decoded. Nested values are taken as they are. */
  create(fields: Partial<T> = {}): T {
    return Object.assign(Object.create(this.type.fallbacks) as T, fields);
  }
}
