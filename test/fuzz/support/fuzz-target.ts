import fc from 'fast-check';
import type { Decoder, ErrorType } from './decoder.ts';
import type { Mutation } from './mutation.ts';
import { mutated } from './mutation.ts';

/** One thing to throw inputs at. `run` may throw `errors`; anything else is a finding. */
export interface FuzzTarget<Input = unknown> {
  readonly name: string;
  readonly input: fc.Arbitrary<Input>;
  readonly errors: readonly ErrorType[];
  readonly run: (input: Input) => void | Promise<void>;
}

/** Forgets the type of the input, so that targets fit into one list. */
export function fuzzTarget<Input>(target: FuzzTarget<Input>): FuzzTarget {
  return { ...target, run: (input) => target.run(input as Input) };
}

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const mutation: fc.Arbitrary<Mutation> = fc.record({ kind: uint32, at: uint32, size: uint32, value: uint32 });

/** Bytes of the corpus with up to eight mutations; shrinks towards none. */
export function mutatedBytes(corpus: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.nat({ max: corpus.length - 1 }), fc.array(mutation, { maxLength: 8 }))
    .map(([which, mutations]) => mutated(corpus, which, mutations));
}

/** Text of the corpus with up to eight mutations of its bytes. */
export function mutatedText(corpus: readonly string[]): fc.Arbitrary<string> {
  return mutatedBytes(corpus.map((text) => new TextEncoder().encode(text))).map((bytes) =>
    new TextDecoder().decode(bytes),
  );
}

/** A pure decoder as a target. */
export function decoderTarget(decoder: Decoder): FuzzTarget {
  const { name, corpus, errors, decode } = decoder;
  return fuzzTarget({ name, input: mutatedBytes(corpus), errors, run: decode });
}

/** The same bytes in pieces of these lengths, over and over. */
export function pieces(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.max(1, lengths[cut.length % Math.max(1, lengths.length)] ?? bytes.length);
    cut.push(bytes.subarray(at, at + length));
    at += length;
  }
  return cut;
}
