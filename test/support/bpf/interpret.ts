import { opcodes } from '../../../agent/src/codec/bpf/assembler.ts';

/** Runs the bytes of a program over 32-bit context words, as the kernel would; throws for what its verifier refuses. */
export function interpret(program: Uint8Array, context: readonly number[]): bigint {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const registers: (bigint | undefined)[] = new Array<bigint | undefined>(10).fill(undefined);
  const read = (register: number): bigint => {
    const value = registers[register];
    if (value === undefined) throw new Error(`r${register} is read before it is written`);
    return value;
  };
  for (let at = 0, steps = 0; ; at++, steps++) {
    if (at * 8 >= program.length || at < 0) throw new Error(`jump out of the program: ${at}`);
    if (steps > program.length) throw new Error('loop');
    const code = view.getUint8(at * 8);
    const registersByte = view.getUint8(at * 8 + 1);
    const [target, source] = [registersByte & 15, registersByte >> 4];
    const offset = view.getInt16(at * 8 + 2, true);
    const immediate = BigInt(view.getInt32(at * 8 + 4, true));
    const wide = BigInt.asUintN(64, immediate);
    switch (code) {
      case opcodes.loadWord: {
        const word = context[offset / 4];
        if (source !== 1 || word === undefined) throw new Error(`load beyond the context: ${offset}`);
        registers[target] = BigInt(word);
        break;
      }
      case opcodes.moveImmediate:
        registers[target] = wide;
        break;
      case opcodes.andImmediate32:
        registers[target] = BigInt.asUintN(32, read(target) & wide);
        break;
      case opcodes.shiftRightImmediate32:
        registers[target] = BigInt.asUintN(32, read(target)) >> immediate;
        break;
      case opcodes.jump:
        at += offset;
        break;
      case opcodes.jumpIfNotEqual:
        if (read(target) !== wide) at += offset;
        break;
      case opcodes.jumpIfAnyBit:
        if ((read(target) & wide) !== 0n) at += offset;
        break;
      case opcodes.exit:
        return read(0);
      default:
        throw new Error(`unknown operation ${code}`);
    }
  }
}
