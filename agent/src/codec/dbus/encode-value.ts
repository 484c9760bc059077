import { assertNever } from '../../base/assert-never.ts';
import { encodeBytes } from '../../base/text.ts';
import { DbusError } from './dbus-error.ts';
import { alignmentOf, parseSignature, parseSingleType } from './signature.ts';
import type { BasicCode, DbusType } from './signature.ts';
import { isObjectPath, maxArrayBytes, maxMessageBytes, maxValueDepth } from './value.ts';
import type { DbusValue } from './value.ts';

/** Least and largest value of the integers that numbers stand for. */
const ranges: Readonly<Record<'y' | 'n' | 'q' | 'i' | 'u' | 'h', readonly [number, number]>> = {
  y: [0, 0xff],
  n: [-0x8000, 0x7fff],
  q: [0, 0xffff],
  i: [-0x8000_0000, 0x7fff_ffff],
  u: [0, 0xffff_ffff],
  h: [0, 0xffff_ffff],
};

/** Writes values in little-endian order, each aligned as its type wants from where the writer began. */
export class ValueWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written so far, as a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  align(alignment: number): void {
    this.#reserve((alignment - (this.#length % alignment)) % alignment);
  }

  /** Puts zeros and gives where they begin. To be called before `#bytes` and `#view` are looked at: it may replace them. */
  #reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > maxMessageBytes) throw new DbusError('the message is too long');
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = end;
    return start;
  }

  writeByte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  writeU32(value: number): void {
    this.align(4);
    const at = this.#reserve(4);
    this.setU32(at, value);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  writeBytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** All values of a signature, e.g. the body of a message. */
  writeAll(signature: string, values: readonly DbusValue[]): void {
    const types = parseSignature(signature);
    if (types.length !== values.length) throw new DbusError(`${values.length} values for ${JSON.stringify(signature)}`);
    types.forEach((type, index) => this.write(type, values[index] as DbusValue));
  }

  write(type: DbusType, value: DbusValue, depth = 0): void {
    if (depth > maxValueDepth) throw new DbusError('values are nested too deeply');
    switch (type.kind) {
      case 'basic':
        return this.#writeBasic(type.code, value);
      case 'variant':
        return this.#writeVariant(value, depth);
      case 'array':
        return this.#writeArray(type.element, value, depth);
      case 'struct':
        return this.#writeStruct(type.fields, value, depth);
      default:
        return assertNever(type);
    }
  }

  #writeVariant(value: DbusValue, depth: number): void {
    if (typeof value !== 'object' || !('signature' in value)) throw mismatch('v', value);
    const type = parseSingleType(value.signature);
    this.#writeSignature(value.signature);
    this.write(type, value.value, depth + 1);
  }

  #writeArray(element: DbusType, value: DbusValue, depth: number): void {
    this.align(4);
    const lengthAt = this.#reserve(4);
    // Not counted, and there even when the array is empty.
    this.align(alignmentOf(element));
    const start = this.#length;
    if (value instanceof Uint8Array) {
      if (element.kind !== 'basic' || element.code !== 'y') throw mismatch('array', value);
      this.writeBytes(value);
    } else if (isList(value)) {
      for (const each of value) this.write(element, each, depth + 1);
    } else {
      throw mismatch('array', value);
    }
    if (this.#length - start > maxArrayBytes) throw new DbusError(`array of ${this.#length - start} bytes`);
    this.setU32(lengthAt, this.#length - start);
  }

  #writeStruct(fields: readonly DbusType[], value: DbusValue, depth: number): void {
    if (!isList(value) || value.length !== fields.length) throw mismatch('struct', value);
    this.align(8);
    fields.forEach((field, index) => this.write(field, value[index] as DbusValue, depth + 1));
  }

  #writeBasic(code: BasicCode, value: DbusValue): void {
    switch (code) {
      case 'b':
        if (typeof value !== 'boolean') throw mismatch(code, value);
        return this.writeU32(value ? 1 : 0);
      case 's':
      case 'o':
        return this.#writeText(code, value);
      case 'g':
        if (typeof value !== 'string') throw mismatch(code, value);
        parseSignature(value);
        return this.#writeSignature(value);
      case 'x':
      case 't':
        return this.#writeLong(code, value);
      case 'd':
        if (typeof value !== 'number') throw mismatch(code, value);
        return this.#writeDouble(value);
      default:
        return this.#writeInteger(code, value);
    }
  }

  #writeDouble(value: number): void {
    this.align(8);
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  #writeLong(code: 'x' | 't', value: DbusValue): void {
    const isFitting =
      typeof value === 'bigint' && (code === 't' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value;
    if (!isFitting) throw mismatch(code, value);
    this.align(8);
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  #writeInteger(code: keyof typeof ranges, value: DbusValue): void {
    const [least, largest] = ranges[code];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > largest) {
      throw mismatch(code, value);
    }
    if (code === 'y') return this.writeByte(value);
    if (code !== 'n' && code !== 'q') return this.writeU32(value >>> 0);
    this.align(2);
    const at = this.#reserve(2);
    this.#view.setUint16(at, value & 0xffff, true);
  }

  #writeText(code: 's' | 'o', value: DbusValue): void {
    if (typeof value !== 'string') throw mismatch(code, value);
    // The other side ends the connection for text that is no Unicode, or has a NUL in it.
    if (!value.isWellFormed() || value.includes('\0')) throw new DbusError(`${JSON.stringify(value)} is no D-Bus text`);
    if (code === 'o' && !isObjectPath(value)) throw new DbusError(`${JSON.stringify(value)} is no object path`);
    const bytes = encodeBytes(value);
    this.writeU32(bytes.length);
    this.writeBytes(bytes);
    this.writeByte(0);
  }

  #writeSignature(text: string): void {
    this.writeByte(text.length);
    this.writeBytes(encodeBytes(text));
    this.writeByte(0);
  }
}

function isList(value: DbusValue): value is readonly DbusValue[] {
  return Array.isArray(value);
}

function mismatch(type: string, value: DbusValue): DbusError {
  const text = typeof value === 'object' ? (isList(value) ? 'a list' : 'an object') : `${typeof value} ${value}`;
  return new DbusError(`${text} is no value of the type ${type}`);
}
