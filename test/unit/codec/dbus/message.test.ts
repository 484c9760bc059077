import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DbusError } from '../../../../agent/src/codec/dbus/dbus-error.ts';
import { MessageStream } from '../../../../agent/src/codec/dbus/message-stream.ts';
import { decodeMessage, encodeMessage } from '../../../../agent/src/codec/dbus/message.ts';
import { makeMessage, takeMessage } from '../../../support/systemd/plain-dbus.ts';

const text = (value: string): string => Buffer.from(value).toString('hex');

/** The first message on every bus. */
const hello = Uint8Array.from(
  Buffer.from(
    [
      ...['6c 01 00 01', '00000000', '01000000', '6d000000'],
      ...['01 01 6f 00', '15000000', text('/org/freedesktop/DBus'), '00', '0000'],
      ...['02 01 73 00', '14000000', text('org.freedesktop.DBus'), '00', '000000'],
      ...['03 01 73 00', '05000000', text('Hello'), '00', '0000'],
      ...['06 01 73 00', '14000000', text('org.freedesktop.DBus'), '00', '000000'],
    ]
      .join('')
      .replaceAll(' ', ''),
    'hex',
  ),
);

const bus = 'org.freedesktop.DBus';
const fields = { path: '/org/freedesktop/DBus', interface: bus, member: 'Hello', destination: bus };

/** A reply with a body, in the other byte order. */
function reply(values: string[] = [':1.7'], more: Record<number, string> = {}): Buffer {
  return makeMessage(
    { type: 2, serial: 9, fields: { 5: 1, ...more }, signature: 's'.repeat(values.length), values },
    false,
  );
}

describe('messages', () => {
  it('are written as the specification has it', () => {
    expect(encodeMessage({ type: 'call', serial: 1, signature: '', values: [], ...fields })).toEqual(hello);
    expect(decodeMessage(hello)).toMatchObject({ type: 'call', serial: 1, signature: '', ...fields });
  });

  it('are read by another implementation', () => {
    const values = ['x.scope', 'fail', [['PIDs', { signature: 'au', value: [7] }]], []];
    const signature = 'ssa(sv)a(sa(sv))';
    const bytes = encodeMessage({ type: 'call', serial: 3, signature, values, ...fields });
    const taken = takeMessage(Buffer.from(bytes));
    expect(taken).toMatchObject({ length: bytes.length, message: { type: 1, serial: 3 } });
    expect(taken?.message.body).toEqual(['x.scope', 'fail', [['PIDs', { type: 'au', value: [7] }]], []]);
  });

  it('of the other byte order are read', () => {
    const message = decodeMessage(reply());
    expect(message).toMatchObject({ type: 'return', serial: 9, replySerial: 1 });
    expect(message?.body()).toEqual([':1.7']);
  });

  it('of unknown types and with unknown header fields are passed over', () => {
    const unknown = reply();
    unknown[1] = 9;
    expect(decodeMessage(unknown)).toBeUndefined();
    expect(decodeMessage(reply([':1.7'], { 77: 'new' }))?.body()).toEqual([':1.7']);
  });

  it.each<[string, number, number]>([
    ['no byte order', 0, 0x41],
    ['type 0', 1, 0],
    ['protocol version', 3, 2],
    ['message of 129 bytes', 4, 1],
    ['serial 0', 8, 0],
  ])('with %s are refused', (part, at, value) => {
    const broken = hello.slice();
    broken[at] = value;
    expect(() => decodeMessage(broken)).toThrow(part);
    expect(() => decodeMessage(broken)).toThrow(DbusError);
  });

  it('without what their type needs are refused', () => {
    expect(() => decodeMessage(makeMessage({ type: 4, serial: 1, fields: { 1: '/' } }, true))).toThrow(
      'without interface',
    );
    expect(() => decodeMessage(makeMessage({ type: 3, serial: 1, fields: { 5: 1 } }, true))).toThrow(
      'without errorName',
    );
  });
});

describe('a stream of messages', () => {
  it('gives the same however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }), (cuts) => {
        const whole = Buffer.concat([reply(['a']), hello, reply(['b'])]);
        const stream = new MessageStream(1 << 16);
        const found: (string | undefined)[] = [];
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          stream.push(whole.subarray(at, at + cut));
          at = Math.min(whole.length, at + cut);
          for (let message = stream.next(); message !== undefined; message = stream.next()) found.push(message.type);
        }
        expect(found).toEqual(['return', 'call', 'return']);
      }),
    );
  });

  it('refuses a message that is too long before it comes', () => {
    const stream = new MessageStream(1000);
    stream.push(
      makeMessage({ type: 2, serial: 1, fields: { 5: 1 }, signature: 's', values: ['x'.repeat(2000)] }, true).subarray(
        0,
        16,
      ),
    );
    expect(() => stream.next()).toThrow('message of');
  });

  it('takes any bytes as messages or fails with a DbusError', () => {
    const start = fc.constantFrom(Buffer.alloc(0), Buffer.from(hello), reply());
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 0, max: 130 }), (base, noise, at) => {
        const bytes = Uint8Array.from(base);
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        const stream = new MessageStream(1 << 16);
        try {
          stream.push(bytes);
          stream.push(noise);
          for (let message = stream.next(); message !== undefined; message = stream.next()) message.body();
        } catch (error) {
          expect(error).toBeInstanceOf(DbusError);
        }
      }),
    );
  });
});
