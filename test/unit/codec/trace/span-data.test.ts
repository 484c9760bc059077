import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSpan, spanJson, type SpanData } from '../../../../agent/src/codec/trace/span-data.ts';
import { spanName } from '../../../../agent/src/codec/trace/span-name.ts';
import { parseExact, SpanStream, type ReceivedSpan } from '../../../support/trace/span-stream.ts';

const SPAN: SpanData = {
  traceId: 0x0af7651916cd43dd8448eb211c80319cn,
  spanId: 0xb7ad6b7169203331n,
  parentSpanId: 0xffff_ffff_ffff_fffen,
  isSampled: true,
  traceState: undefined,
  name: 'get_metrics',
  start: { sec: 1_700_000_000n, nsec: 1 },
  end: { sec: 1_700_000_000n, nsec: 999_999_999 },
  attributes: [
    ['mod', 'rpc.rs'],
    ['req', 'GetMetrics'],
  ],
  status: 'Unset',
  statusMessage: '',
};

describe('a span on the wire', () => {
  it('is the JSON of the form, digit by digit', () => {
    expect(spanJson(SPAN)).toBe(
      '{"span_context":{"trace_id":14576827793038113322513871894673895836,"span_id":13235353014750950193,"trace_flags":1,' +
        '"is_remote":false,"trace_state":null},"parent_span_id":18446744073709551614,"span_kind":"Internal","name":"get_metrics",' +
        '"start_time":{"secs_since_epoch":1700000000,"nanos_since_epoch":1},' +
        '"end_time":{"secs_since_epoch":1700000000,"nanos_since_epoch":999999999},' +
        '"attributes":{"map":{"mod":{"String":"rpc.rs"},"req":{"String":"GetMetrics"}},"evict_list":["req","mod"],"max_len":128,' +
        '"dropped_count":0},"events":{"queue":null,"max_len":128,"dropped_count":0},' +
        '"links":{"queue":null,"max_len":128,"dropped_count":0},"status_code":"Unset","status_message":"",' +
        '"resource":{"attrs":{"service.name":{"String":"kata-agent"}}}}',
    );
  });

  it('comes after its length in eight bytes, the highest first', () => {
    const frame = encodeSpan(SPAN);
    expect([...frame.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, (frame.length - 8) >> 8, (frame.length - 8) & 0xff]);
    expect(frame[8]).toBe(0x7b);
  });

  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const id = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
  const time = fc.record({ sec: id(40), nsec: fc.integer({ min: 0, max: 999_999_999 }) });
  const value = fc.oneof(text, fc.boolean(), fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }));
  const spans = fc.record({
    traceId: id(128),
    spanId: id(64),
    parentSpanId: id(64),
    isSampled: fc.boolean(),
    traceState: fc.option(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }), { nil: undefined }),
    name: text,
    start: time,
    end: time,
    attributes: fc.uniqueArray(fc.tuple(text, value), { selector: ([key]) => key, maxLength: 5 }),
    status: fc.constantFrom('Unset', 'Ok', 'Error'),
    statusMessage: text,
  });

  it('says the same to a reader who knows only the form, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(spans, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 700 }), (list, cut) => {
        const stream = new SpanStream();
        const bytes = Buffer.concat(list.map((span) => encodeSpan(span as SpanData)));
        for (let at = 0; at < bytes.length; at += cut) stream.push(bytes.subarray(at, at + cut));
        expect(stream.pendingBytes).toBe(0);
        expect(stream.spans.length).toBe(list.length);
        list.forEach((span, index) => expectSame(stream.spans[index] as ReceivedSpan, span));
      }),
    );
  });

  it('holds no half of a surrogate pair that a strict reader would refuse', () => {
    const stream = new SpanStream();
    stream.push(encodeSpan({ ...SPAN, statusMessage: 'a\ud800b' }));
    expect(stream.spans[0]?.status_message).toBe('a\ud800b');
  });
});

function expectSame(got: ReceivedSpan, span: SpanData): void {
  expect(got.span_context).toEqual({
    trace_id: span.traceId,
    span_id: span.spanId,
    trace_flags: span.isSampled ? 1n : 0n,
    is_remote: false,
    trace_state: span.traceState ?? null,
  });
  expect(got.parent_span_id).toBe(span.parentSpanId);
  expect([got.name, got.span_kind, got.status_code, got.status_message]).toEqual([
    ...[span.name, 'Internal', span.status, span.statusMessage],
  ]);
  const moment = ({ sec, nsec }: SpanData['start']) => ({ secs_since_epoch: sec, nanos_since_epoch: BigInt(nsec) });
  expect([got.start_time, got.end_time]).toEqual([moment(span.start), moment(span.end)]);
  const kinds = { string: 'String', bigint: 'I64', boolean: 'Bool' } as const;
  const wanted = span.attributes.map(([key, value]) => [key, { [kinds[typeof value as keyof typeof kinds]]: value }]);
  expect(Object.entries(got.attributes.map).sort()).toEqual(wanted.sort());
  expect([...got.attributes.evict_list].sort()).toEqual(span.attributes.map(([key]) => key).sort());
}

describe('the exact reader of the tests', () => {
  it('keeps digits, and strings that look like its own marks', () => {
    const text = '{"a":340282366920938463463374607431768211455,"b":"#1","c":"\\"12","d":[-1,0,"##x"]}';
    expect(parseExact(text)).toEqual({ a: (1n << 128n) - 1n, b: '#1', c: '"12', d: [-1n, 0n, '##x'] });
  });
});

describe('spanName()', () => {
  it.each([
    ['CreateContainer', 'create_container'],
    ['OnlineCPUMem', 'online_cpu_mem'],
    ['AddARPNeighbors', 'add_arp_neighbors'],
    ['TtyWinResize', 'tty_win_resize'],
    ['RemoveStaleVirtiofsShareMounts', 'remove_stale_virtiofs_share_mounts'],
    ['UpdateEphemeralMounts', 'update_mounts'],
    ['GetIPTables', 'get_iptables'],
    ['SetIPTables', 'set_iptables'],
  ])('%s is %s', (method, name) => expect(spanName(method)).toBe(name));

  it('leaves out what comes all the time, and the health service', () => {
    for (const method of ['WriteStdin', 'ReadStdout', 'ReadStderr', 'GetOOMEvent', 'MemAgentMemcgSet', 'Check'])
      expect(spanName(method)).toBeUndefined();
  });
});
