/**
 * Instructions of eBPF (RFC 9669, Linux Documentation/bpf/standardization/instruction-set.rst), as far as our programs need
 * them. Only what every kernel with device programs (4.15) knows: no 32-bit jumps.
 */
import { littleEndian } from '../../abi/byte-order.ts';

/** r0 is the result, r1 the context at the start; r10 the frame. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

export interface Instruction {
  readonly code: number;
  readonly target: Register;
  readonly source: Register;
  /** Jumps count instructions from the next one; loads count bytes. 16 bits, signed. */
  readonly offset: number;
  /** 32 bits, signed. */
  readonly immediate: number;
}

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

/** Bytes of one instruction. */
export const instructionBytes = 8;

interface Operands {
  readonly target?: Register;
  readonly source?: Register;
  readonly offset?: number;
  readonly immediate?: number;
}

/** An instruction; operands that are not given are 0. */
export function instruction(name: keyof typeof opcodes, operands: Operands = {}): Instruction {
  const { target = 0, source = 0, offset = 0, immediate = 0 } = operands;
  return { code: opcodes[name], target, source, offset, immediate };
}

/** The bytes that bpf(2) loads (`struct bpf_insn` of linux/bpf.h on a little-endian machine). */
export function encodeInstructions(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program.length * instructionBytes);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, target, source, offset, immediate }, index) => {
    const at = index * instructionBytes;
    view.setUint8(at, code);
    view.setUint8(at + 1, target | (source << 4));
    view.setInt16(at + 2, offset, littleEndian);
    view.setInt32(at + 4, immediate, littleEndian);
  });
  return bytes;
}
