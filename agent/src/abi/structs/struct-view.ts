import { littleEndian } from '../byte-order.ts';

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
    this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), littleEndian);
    return this;
  }
}
