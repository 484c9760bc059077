/** Classic BPF as seccomp takes it: `struct sock_filter` of linux/filter.h, and the few codes of linux/bpf_common.h in use. */

/** BPF_LD | BPF_W | BPF_ABS: a 32-bit word of `struct seccomp_data` into the accumulator. */
export const LOAD_WORD = 0x20;
/** BPF_ALU | BPF_AND | BPF_K */
export const AND = 0x54;
/** BPF_JMP | BPF_JA: `k` instructions further. */
export const JUMP = 0x05;
/** BPF_JMP | BPF_JEQ | BPF_K */
export const JUMP_EQUAL = 0x15;
/** BPF_JMP | BPF_JGT | BPF_K, unsigned */
export const JUMP_GREATER = 0x25;
/** BPF_JMP | BPF_JGE | BPF_K, unsigned */
export const JUMP_GREATER_EQUAL = 0x35;
/** BPF_RET | BPF_K */
export const RETURN = 0x06;

/** BPF_MAXINSNS of linux/bpf_common.h: the kernel takes no longer program. */
export const maxInstructions = 4096;
/** Largest offset of a conditional jump: `jt` and `jf` have 8 bits. */
export const maxShortJump = 255;

/** Offsets in `struct seccomp_data` (linux/seccomp.h) on little-endian machines. */
export const offsetOfNumber = 0;
export const offsetOfArch = 4;

/** Offset of the low word of an argument; the high one follows it. */
export function offsetOfArgument(index: number): number {
  return 16 + index * 8;
}

/**
 * The two 32-bit words of an instruction as they lie in memory on a little-endian machine: code (16 bits), jt, jf (8 bits
 * each); then k.
 */
export function firstWord(code: number, jumpTrue: number, jumpFalse: number): number {
  return (code | (jumpTrue << 16) | (jumpFalse << 24)) >>> 0;
}
