import { assertNever } from '../../base/assert-never.ts';
import { decodeUtf8 } from '../../base/text.ts';
import { DbusError } from './dbus-error.ts';
import { alignmentOf, parseSignature, parseSingleType } from './signature.ts';
import type { BasicCode, DbusType } from './signature.ts';
import { isObjectPath, maxArrayBytes, maxValueDepth } from './value.ts';
import type { DbusValue } from './value.ts';

/** Reads values of either byte order, strictly: what the specification forbids is refused. Results own their bytes. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLittle: boolean;
  #at = 0;

  /** Values are aligned from the beginning of `bytes`. */
  constructor(bytes: Uint8Array, isLittleEndian: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLittle = isLittleEndian;
  }

  get offset(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Skips padding, which has to be zeros. */
  align(alignment: number): void {
    const count = (alignment - (this.#at % alignment)) % alignment;
    const start = this.#take(count);
    for (let index = 0; index < count; index++) {
      if (this.#bytes[start + index] !== 0) throw new DbusError('padding that is not zero');
    }
  }

  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) {
      throw new DbusError(`${count} bytes wanted at ${start} of ${this.#bytes.length}`);
    }
    this.#at = start + count;
    return start;
  }

  readByte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  readU32(): number {
    this.align(4);
    return this.#view.getUint32(this.#take(4), this.#isLittle);
  }

  /** All values of a signature; nothing may be left over. */
  readAll(signature: string): readonly DbusValue[] {
    const values = parseSignature(signature).map((type) => this.read(type));
    if (!this.isAtEnd) throw new DbusError(`${this.#bytes.length - this.#at} bytes too many`);
    return values;
  }

  read(type: DbusType, depth = 0): DbusValue {
    if (depth > maxValueDepth) throw new DbusError('values are nested too deeply');
    switch (type.kind) {
      case 'basic':
        return this.#readBasic(type.code);
      case 'variant': {
        const signature = this.#readSignature();
        return { signature, value: this.read(parseSingleType(signature), depth + 1) };
      }
      case 'array':
        return this.#readArray(type.element, depth);
      case 'struct':
        this.align(8);
        return type.fields.map((field) => this.read(field, depth + 1));
      default:
        return assertNever(type);
    }
  }

  #readArray(element: DbusType, depth: number): DbusValue {
    const length = this.readU32();
    if (length > maxArrayBytes) throw new DbusError(`array of ${length} bytes`);
    this.align(alignmentOf(element));
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new DbusError(`array of ${length} bytes at ${this.#at} leads outside`);
    if (element.kind === 'basic' && element.code === 'y') return this.#bytes.slice(this.#take(length), end);
    const values: DbusValue[] = [];
    while (this.#at < end) values.push(this.read(element, depth + 1));
    if (this.#at !== end) throw new DbusError('the last element of an array leads out of it');
    return values;
  }

  #readBasic(code: BasicCode): DbusValue {
    const isLittle = this.#isLittle;
    switch (code) {
      case 'y':
        return this.readByte();
      case 'b': {
        const value = this.readU32();
        if (value > 1) throw new DbusError(`boolean ${value}`);
        return value === 1;
      }
      case 'n':
        this.align(2);
        return this.#view.getInt16(this.#take(2), isLittle);
      case 'q':
        this.align(2);
        return this.#view.getUint16(this.#take(2), isLittle);
      case 'i':
        this.align(4);
        return this.#view.getInt32(this.#take(4), isLittle);
      case 'u':
      case 'h':
        return this.readU32();
      case 'x':
        this.align(8);
        return this.#view.getBigInt64(this.#take(8), isLittle);
      case 't':
        this.align(8);
        return this.#view.getBigUint64(this.#take(8), isLittle);
      case 'd':
        this.align(8);
        return this.#view.getFloat64(this.#take(8), isLittle);
      case 's':
        return this.#readText(this.readU32());
      case 'o': {
        const path = this.#readText(this.readU32());
        if (!isObjectPath(path)) throw new DbusError(`${JSON.stringify(path)} is no object path`);
        return path;
      }
      case 'g': {
        const signature = this.#readSignature();
        parseSignature(signature);
        return signature;
      }
      default:
        return assertNever(code);
    }
  }

  #readSignature(): string {
    return this.#readText(this.readByte());
  }

  #readText(length: number): string {
    const start = this.#take(length);
    const text = decodeUtf8(this.#bytes.subarray(start, start + length));
    if (text === undefined || text.includes('\0')) throw new DbusError('text that is no UTF-8, or has a NUL in it');
    if (this.readByte() !== 0) throw new DbusError('text without an end');
    return text;
  }
}
