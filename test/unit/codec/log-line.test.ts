import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../../../agent/src/base/text.ts';
import { encodeLogLine, formatTimestamp, type LogRecord } from '../../../agent/src/codec/log-line.ts';

const record: LogRecord = {
  level: 'INFO',
  msg: 'announce',
  time: { sec: 1_700_000_000n, nsec: 120_000_000 },
  subsystem: 'root',
  pid: 1,
  fields: undefined,
};

function lines(changes: Partial<LogRecord>): Record<string, unknown> {
  const text = decodeUtf8(encodeLogLine({ ...record, ...changes }));
  expect(text?.match(/\n/g)).toHaveLength(1);
  return JSON.parse(text ?? '') as Record<string, unknown>;
}

describe('encodeLogLine()', () => {
  it('writes the keys of the contract, message, level and time first', () => {
    const parsed = lines({ fields: { 'child-pid': 12, ok: true, big: 1n << 60n } });
    expect(Object.keys(parsed).slice(0, 3)).toEqual(['msg', 'level', 'ts']);
    expect(parsed).toEqual({
      msg: 'announce',
      level: 'INFO',
      ts: '2023-11-14T22:13:20.12Z',
      version: '0.1.0',
      subsystem: 'root',
      pid: '1',
      name: 'kata-agent',
      source: 'agent',
      'child-pid': '12',
      ok: 'true',
      big: '1152921504606846976',
    });
  });

  it('lets a record replace the subsystem and nothing else', () => {
    const parsed = lines({ fields: { subsystem: 'rpc', pid: 'x', msg: 'y', source: 'z' } });
    expect(parsed).toMatchObject({ subsystem: 'rpc', pid: '1', msg: 'announce', source: 'agent' });
  });

  it('is valid JSON with string values for any text, on one line', () => {
    const text = fc.string({ unit: 'binary', maxLength: 50 });
    fc.assert(
      fc.property(text, text, text, (msg, key, value) => {
        const parsed = lines({ msg, fields: { [key]: value } });
        expect(Object.values(parsed).every((each) => typeof each === 'string')).toBe(true);
      }),
    );
    expect(lines({ msg: 'a\udc80b' })['msg']).toBe('a\ufffdb');
  });

  it('cuts long texts', () => {
    expect(encodeLogLine({ ...record, msg: 'x'.repeat(100_000) }).length).toBeLessThan(10_000);
  });
});

describe('formatTimestamp()', () => {
  it.each([
    [0n, 0, '1970-01-01T00:00:00Z'],
    [0n, 1, '1970-01-01T00:00:00.000000001Z'],
    [1n, 500_000_000, '1970-01-01T00:00:01.5Z'],
  ])('%s.%d', (sec, nsec, text) => {
    expect(formatTimestamp({ sec, nsec })).toBe(text);
  });
});
