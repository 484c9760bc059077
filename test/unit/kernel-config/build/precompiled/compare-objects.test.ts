import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareObjects, plainName } from '../../../../../kernel-config/src/build/precompiled/compare-objects.ts';

describe('plainName()', () => {
  test.each([
    ['tcp_sendmsg', 'tcp_sendmsg'],
    ['offsets.46', 'offsets.#'],
    ['__UNIQUE_ID___addressable_init_dax632', '__UNIQUE_ID___addressable_init_dax#'],
    ['__UNIQUE_ID_x619.12', '__UNIQUE_ID_x#'],
    ['__initcall__kmod_dax__632_619_dax_core_init4', '__initcall__kmod_dax__#_619_dax_core_init4'],
    ['crc32', 'crc32'],
  ])('%s is %s', (name, plain) => {
    expect(plainName(name)).toBe(plain);
  });
});

describe('compareObjects()', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kihon-objects-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const object = (name: string, assembly: string): Buffer => {
    writeFileSync(join(folder, `${name}.s`), assembly);
    execFileSync('as', ['-o', join(folder, `${name}.o`), join(folder, `${name}.s`)]);
    return readFileSync(join(folder, `${name}.o`));
  };
  const ONE = '.text\nf: .long g - .\n .long h - .\n.data\nv.1: .long 7\n';

  test.each([
    ['the same', ONE, undefined],
    ['another number in a name', ONE.replace('v.1', 'v.22'), undefined],
    ['undefined symbols in another order', `.globl h\n${ONE}`, undefined],
    ['another byte', ONE.replace('7', '8'), /^\.data has other bytes/],
    ['another name', ONE.replace('v.1', 'w.1'), /^symbol v\.#/],
    [
      'a relocation to another symbol',
      ONE.replace('g - .', 'h - .').replace('h - .\n.data', 'g - .\n.data'),
      /^\.rela\.text: /,
    ],
    ['more code', ONE.replace('.data', 'nop\n.data'), /^\.text has 8 and 9 bytes/],
  ])('%s', (_name, other, difference) => {
    const compared = compareObjects(object('one', ONE), object('other', other));
    if (difference === undefined) expect(compared).toBeUndefined();
    else expect(compared).toMatch(difference);
  });

  test('refuses what is no object', () => {
    expect(() => compareObjects(Buffer.from('!<arch>\n'), Buffer.alloc(100))).toThrow(/not a 64-bit/);
  });
});
