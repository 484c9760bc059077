import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broadcastOf, formatIpAddress, parseIpAddress, parseIpPrefix } from '../../../agent/src/codec/ip-address.ts';

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Zeros in groups are what the short form is about.
  fc
    .array(fc.constantFrom(0, 0, 1, 0xffff), { minLength: 8, maxLength: 8 })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))),
);

describe('IP addresses', () => {
  it('survive their text', () => {
    fc.assert(
      fc.property(address, (bytes) => {
        expect(parseIpAddress(formatIpAddress(bytes))).toEqual(bytes);
      }),
    );
  });

  it('have the one text of RFC 5952', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const bytes = parseIpAddress(text);
        if (bytes === undefined) throw new Error(`${text} was not read`);
        const formatted = formatIpAddress(bytes);
        if (formatted.startsWith('::ffff:') && formatted.includes('.')) return;
        expect(`http://[${formatted}]/`).toBe(new URL(`http://[${text}]/`).href);
      }),
    );
  });

  it('are read exactly where the operating system reads them', () => {
    const pieces = fc.constantFrom(
      '0',
      '1',
      '255',
      '256',
      '01',
      'a',
      'ffff',
      '12345',
      ':',
      '::',
      '.',
      '%eth0',
      '/',
      '-1',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 17 }), (parts) => {
        const text = parts.join('');
        // Node takes zones, which are no part of an address.
        const expected = !text.includes('%') && isIP(text) !== 0;
        expect(parseIpAddress(text) !== undefined).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['10.1.2.3/8', '10.255.255.255'],
    ['10.1.2.3', '10.1.2.3'],
    ['192.168.1.77/27', '192.168.1.95'],
    ['0.0.0.0/0', '255.255.255.255'],
    ['10.0.0.1/31', '10.0.0.1'],
  ])('%s ends at %s', (text, last) => {
    const prefix = parseIpPrefix(text);
    if (prefix === undefined) throw new Error(`${text} was not read`);
    expect(formatIpAddress(broadcastOf(prefix))).toBe(last);
  });

  it.each([
    '',
    '10.0.0.1/33',
    '::1/129',
    '10.0.0.1/',
    '10.0.0.1/8/8',
    '/8',
    '10.0.0.1/-1',
    '10.0.0.1/1e1',
    '10.0.0.1/ 8',
  ])('refuses the prefix %j', (text) => expect(parseIpPrefix(text)).toBeUndefined());
});
