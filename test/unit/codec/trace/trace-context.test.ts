import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTraceContext } from '../../../../agent/src/codec/trace/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('the trace context of a caller', () => {
  it('is taken from traceparent', () => {
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-01`, '')).toEqual({
      traceId: 0x0af7651916cd43dd8448eb211c80319cn,
      spanId: 0xb7ad6b7169203331n,
      isSampled: true,
      traceState: undefined,
    });
  });

  it.each([
    ['not sampled', `00-${TRACE}-${SPAN}-00`, false],
    ['flag 2 is known, and is not "sampled"', `00-${TRACE}-${SPAN}-02`, false],
    ['of a later version', `01-${TRACE}-${SPAN}-ff`, true],
    ['of a later version with more parts', `cc-${TRACE}-${SPAN}-01-what-the-future-brings`, true],
    ['with white space around', ` 00-${TRACE}-${SPAN}-01 `, true],
  ])('%s: can be used', (_name, text, isSampled) => {
    expect(parseTraceContext(text, '')).toMatchObject({ isSampled });
  });

  it.each([
    ['nothing', ''],
    ['two values joined', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
    ['a fifth part in version 0', `00-${TRACE}-${SPAN}-01-00`],
    ['flags that version 0 does not know', `00-${TRACE}-${SPAN}-03`],
    ['the forbidden version', `ff-${TRACE}-${SPAN}-01`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['a long span', `00-${TRACE}-0${SPAN}-01`],
    ['three parts', `00-${TRACE}-${SPAN}`],
    ['a line more', `00-${TRACE}-${SPAN}-01\n00`],
  ])('%s: counts as none', (_name, text) => {
    expect(parseTraceContext(text, '')).toBeUndefined();
  });

  it('keeps tracestate, unless it is not as W3C has it', () => {
    const state = (text: string) => parseTraceContext(`00-${TRACE}-${SPAN}-01`, text)?.traceState;
    expect(state('rojo=00f067aa0ba902b7, congo=t61=x')).toEqual([
      ['rojo', '00f067aa0ba902b7'],
      ['congo', 't61=x'],
    ]);
    for (const bad of ['', ' ', 'noequals', '=x', 'a=b,noequals', 'a=\u00e4', 'a=1,'.repeat(33), 'a='.repeat(300)])
      expect(state(bad), bad).toBeUndefined();
  });

  it('never throws, and what it takes is never zero', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.string({ maxLength: 80 }), (parent, state) => {
        const context = parseTraceContext(parent, state);
        if (context !== undefined) expect(context.traceId !== 0n && context.spanId !== 0n).toBe(true);
      }),
    );
  });

  it('reads back every valid one', () => {
    const id = (bits: number) => fc.bigInt({ min: 1n, max: (1n << BigInt(bits)) - 1n });
    fc.assert(
      fc.property(id(128), id(64), fc.boolean(), (traceId, spanId, isSampled) => {
        const hex = (value: bigint, digits: number) => value.toString(16).padStart(digits, '0');
        const text = `00-${hex(traceId, 32)}-${hex(spanId, 16)}-0${isSampled ? 1 : 0}`;
        expect(parseTraceContext(text, '')).toEqual({ traceId, spanId, isSampled, traceState: undefined });
      }),
    );
  });
});
