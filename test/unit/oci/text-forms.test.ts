import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanPath } from '../../../agent/src/base/guest-path.ts';
import { sysctlNames } from '../../../agent/src/oci/sysctl-name.ts';

describe('cleanPath()', () => {
  it.each([
    ['/', '/'],
    ['//a///b/', '/a/b'],
    ['/./a/.', '/a'],
    ['/a..b/...', '/a..b/...'],
  ])('spells %s as %s', (path, clean) => {
    expect(cleanPath(path, 'f')).toBe(clean);
  });

  it('never leaves the root: what it accepts has no .. and is its own clean form', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '..', '.', '', 'b c', '...')), (names) => {
        const path = `/${names.join('/')}`;
        if (names.includes('..')) expect(() => cleanPath(path, 'f')).toThrow('..');
        else expect(cleanPath(cleanPath(path, 'f'), 'f')).toBe(cleanPath(path, 'f'));
      }),
    );
  });
});

describe('sysctlNames()', () => {
  it.each([
    ['net.ipv4.ip_forward', ['net', 'ipv4', 'ip_forward']],
    ['net/ipv4/ip_forward', ['net', 'ipv4', 'ip_forward']],
    ['net.ipv4.conf.eth0/100.rp_filter', ['net', 'ipv4', 'conf', 'eth0.100', 'rp_filter']],
    ['net/ipv4/conf/eth0.100/rp_filter', ['net', 'ipv4', 'conf', 'eth0.100', 'rp_filter']],
  ])('reads %s', (key, names) => {
    expect(sysctlNames(key)).toEqual(names);
  });

  it('gives only names that stay in their folder, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', 'b') }), (key) => {
        let names: readonly string[];
        try {
          names = sysctlNames(key);
        } catch {
          return;
        }
        for (const name of names) expect(['', '.', '..'].includes(name) || name.includes('/')).toBe(false);
      }),
    );
  });
});
