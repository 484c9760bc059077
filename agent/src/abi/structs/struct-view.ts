import { littleEndian } from '../byte-order.ts';

/** Where the halves of a 64-bit number lie. */
const lowHalf = Number(!littleEndian) * 4;
const highHalf = 4 - lowHalf;

/** A kernel structure in memory: its bytes (whose address goes to the kernel) and typed access by offset. */
export class StructView {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, littleEndian);
  }
  u32(offset: number): number {
    return this.#view.getUint32(offset, littleEndian);
  }
  i32(offset: number): number {
    return this.#view.getInt32(offset, littleEndian);
  }
  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, littleEndian);
  }
  setU16(offset: number, value: number): this {
    this.#view.setUint16(offset, value, littleEndian);
    return this;
  }
  setU32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, littleEndian);
    return this;
  }
  setU64(offset: number, value: bigint | number): this {
    // Most values are small numbers, and a BigInt is an object. What is no whole number is refused below.
    if (typeof value === 'number' && value >>> 0 === value) {
      this.#view.setUint32(offset + lowHalf, value, littleEndian);
      this.#view.setUint32(offset + highHalf, 0, littleEndian);
      return this;
    }
    this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), littleEndian);
    return this;
  }
}
