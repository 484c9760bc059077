/**
 * Instructions of eBPF (RFC 9669, Linux Documentation/bpf/standardization/instruction-set.rst), as far as our programs need
 * them. Only what every kernel with device programs (4.15) knows: no 32-bit jumps.
 */

/** r0 is the result, r1 the context at the start; r10 the frame. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** Operation codes: class, size or operation, and mode or source. */
export const opcodes = {
  /** target = 32 bits at source + offset */
  loadWord: 0x61,
  /** target = immediate */
  moveImmediate: 0xb7,
  /** target &= immediate, upper half cleared */
  andImmediate32: 0x54,
  /** target >>= immediate, upper half cleared */
  shiftRightImmediate32: 0x74,
  jump: 0x05,
  /** when target and immediate have a bit in common */
  jumpIfAnyBit: 0x45,
  jumpIfNotEqual: 0x55,
  exit: 0x95,
} as const;

/** A jump whose end is not known yet. */
export type OpenJump = number;

/** Writes a program (`struct bpf_insn` of linux/bpf.h, little-endian), one instruction after the other. */
export class Assembler {
  /** Two words an instruction: operation, registers and offset; immediate. Plain numbers, because this runs at every create. */
  readonly #words: number[] = [];

  #emit(code: number, target: Register, source: Register, offset: number, immediate: number): void {
    this.#words.push(code | (target << 8) | (source << 12) | (offset << 16), immediate);
  }

  load(target: Register, source: Register, offset: number): void {
    this.#emit(opcodes.loadWord, target, source, offset, 0);
  }

  and(target: Register, immediate: number): void {
    this.#emit(opcodes.andImmediate32, target, 0, 0, immediate);
  }

  shiftRight(target: Register, immediate: number): void {
    this.#emit(opcodes.shiftRightImmediate32, target, 0, 0, immediate);
  }

  /** Ends the program with this result. */
  leave(result: number): void {
    this.#emit(opcodes.moveImmediate, 0, 0, 0, result);
    this.#emit(opcodes.exit, 0, 0, 0, 0);
  }

  jump(): OpenJump {
    this.#emit(opcodes.jump, 0, 0, 0, 0);
    return this.#words.length;
  }

  jumpIfNotEqual(target: Register, immediate: number): OpenJump {
    this.#emit(opcodes.jumpIfNotEqual, target, 0, 0, immediate);
    return this.#words.length;
  }

  jumpIfAnyBit(target: Register, immediate: number): OpenJump {
    this.#emit(opcodes.jumpIfAnyBit, target, 0, 0, immediate);
    return this.#words.length;
  }

  /** Makes the jump end here. Jumps go forward, at most 32,767 instructions. */
  land(jump: OpenJump): void {
    const distance = (this.#words.length - jump) / 2;
    if (distance > 0x7fff) throw new RangeError(`a jump over ${distance} instructions`);
    const at = jump - 2;
    this.#words[at] = (this.#words[at] ?? 0) | (distance << 16);
  }

  /** The bytes that bpf(2) loads. */
  bytes(): Uint8Array<ArrayBuffer> {
    // Every machine we run on is little-endian (abi/byte-order.ts), as is the form the kernel wants there.
    return new Uint8Array(Uint32Array.from(this.#words).buffer);
  }
}
