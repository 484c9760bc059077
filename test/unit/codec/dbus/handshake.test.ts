import { describe, expect, it } from 'vitest';
import { encodeBytes } from '../../../../agent/src/base/text.ts';
import { ClientHandshake, RejectedError } from '../../../../agent/src/codec/dbus/handshake.ts';

const bytes = (text: string): Uint8Array => encodeBytes(text);
const text = (from: Uint8Array | undefined): string | undefined => from && Buffer.from(from).toString('latin1');

describe('the handshake', () => {
  it('begins with a NUL and the user id in hex of its digits', () => {
    expect(text(new ClientHandshake(1000).greeting)).toBe('\0AUTH EXTERNAL 31303030\r\n');
  });

  it('is over with OK, and what comes behind it is not lost', () => {
    const { answer, rest } = new ClientHandshake(0).feed(bytes('OK 1234deadbeef\r\nl\x01'));
    expect([text(answer), text(rest)]).toEqual(['BEGIN\r\n', 'l\x01']);
  });

  it('waits for a split line', () => {
    const handshake = new ClientHandshake(0);
    expect(handshake.feed(bytes('O'))).toEqual({ answer: bytes(''), rest: undefined });
    expect(text(handshake.feed(bytes('K 12\r\n')).answer)).toBe('BEGIN\r\n');
  });

  it('answers a challenge with nothing', () => {
    const handshake = new ClientHandshake(0);
    expect(text(handshake.feed(bytes('DATA\r\n')).answer)).toBe('DATA\r\n');
    expect(handshake.feed(bytes('OK x\r\n')).rest).toEqual(bytes(''));
  });

  it('fails with a rejection, an error, nonsense and a line without end', () => {
    expect(() => new ClientHandshake(7).feed(bytes('REJECTED EXTERNAL\r\n'))).toThrow(RejectedError);
    expect(() => new ClientHandshake(7).feed(bytes('ERROR\r\n'))).toThrow('"ERROR"');
    expect(() => new ClientHandshake(7).feed(bytes('HTTP/1.1 400\r\n'))).toThrow('HTTP');
    expect(() => new ClientHandshake(7).feed(new Uint8Array(5000).fill(65))).toThrow('5000 bytes');
  });
});
