import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findArchitecture } from '../../../../../kernel-config/src/architecture.ts';
import { parseCommandFile } from '../../../../../kernel-config/src/build/precompiled/compiler-command.ts';
import { HEADER_LIST_FILE, parseHeaderList } from '../../../../../kernel-config/src/build/precompiled/header-list.ts';
import { findCandidates } from '../../../../../kernel-config/src/build/precompiled/kbuild-candidates.ts';
import { taintedNames } from '../../../../../kernel-config/src/build/precompiled/tainted-names.ts';
import { mayPrecompile } from '../../../../../kernel-config/src/build/run-make.ts';
import { KATA, LEAN } from '../../../../../kernel-config/src/configurations.ts';

describe('parseHeaderList()', () => {
  test('reads headers in their order, and sources that do without', () => {
    const list = parseHeaderList('# why\nheader linux/fs.h\n\nheader linux/a-b.h\nwithout lib/sort.c\n');
    expect(list).toEqual({ headers: ['linux/fs.h', 'linux/a-b.h'], without: new Set(['lib/sort.c']) });
  });

  test.each([
    'header lib/sort.c',
    'without linux/fs.h',
    'header /linux/fs.h',
    'header ../fs.h',
    'linux/fs.h',
    'header $(x).h',
  ])('refuses "%s", with its line', (line) => {
    expect(() => parseHeaderList(`\n${line}\n`)).toThrow(/precompiled-headers\.conf, line 2: /);
  });

  test('refuses a name that is there twice', () => {
    expect(() => parseHeaderList('header linux/fs.h\nheader linux/fs.h')).toThrow(/line 2: .*twice/);
  });

  test('reads the list in the repository', async () => {
    expect(parseHeaderList(await readFile(HEADER_LIST_FILE, 'utf8')).headers).toContain('linux/kernel.h');
  });
});

describe('parseCommandFile()', () => {
  test('takes an ordinary command apart, without what names its object', () => {
    const command = [
      'savedcmd_kernel/bounds.s := gcc -Wp,-MMD,kernel/.bounds.s.d -nostdinc -I/src/include -I ./include -include /src/a.h',
      `-D__KERNEL__ -fmacro-prefix-map=/src/= -Wall -O2 -I/src/. -I. -DKBUILD_MODNAME='"bounds"' -D__KBUILD_MODNAME=kmod_bounds`,
      '-fverbose-asm -S -o kernel/bounds.s /src/kernel/bounds.c ; ./tools/objtool/objtool kernel/bounds.s',
    ].join(' ');
    expect(parseCommandFile(`${command}\n\nsource_kernel/bounds.s := /src/kernel/bounds.c\n`)).toEqual({
      compiler: 'gcc',
      searchFolders: ['/src/include', './include'],
      defines: ['-D__KERNEL__'],
      codeFlags: ['-fmacro-prefix-map=/src/=', '-O2'],
      warnings: ['-Wall'],
    });
  });

  test.each(['', 'savedcmd_a := ld -r -o a b', 'cmd_a := gcc -nostdinc'])('gives nothing for "%s"', (text) => {
    expect(parseCommandFile(text)).toBeUndefined();
  });
});

describe('findCandidates()', () => {
  const files: Readonly<Record<string, string>> = {
    'net/Makefile': 'obj-y := a.o\nobj-$(CONFIG_OFF) += b.o \\\n c.o off/\nobj-$(CONFIG_ON) += on/ d.o\nd-y := e.o\n',
    'net/on/Kbuild': 'obj-$(CONFIG_OFF) += f.o\nobj-$(CONFIG_ON) += f.o\n',
    'net/off/Makefile': 'obj-y := g.o\n',
    ...{ 'net/a.c': '', 'net/b.c': '', 'net/c.c': '', 'net/d.c': '', 'net/e.c': '', 'net/a.h': '' },
    ...{ 'net/on/f.c': '', 'net/off/g.c': '', 'net/bare/h.c': '' },
  };
  const below = (folder: string): string[] =>
    Object.keys(files)
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => path.slice(folder.length + 1));

  test('finds what symbols that are off do not keep from being compiled', () => {
    const found = findCandidates('net', {
      list: (folder) => ({
        files: below(folder).filter((path) => !path.includes('/')),
        folders: [
          ...new Set(
            below(folder)
              .filter((path) => path.includes('/'))
              .map((path) => path.split('/')[0] ?? ''),
          ),
        ],
      }),
      readText: (path) => files[path] ?? '',
      isOn: (symbol) => symbol === 'CONFIG_ON',
    });
    expect(found).toEqual(['net/a.c', 'net/d.c', 'net/e.c', 'net/on/f.c']);
  });
});

describe('taintedNames()', () => {
  test('finds the functions with a mark, and all functions and macros that use them', () => {
    const text = [
      '#define pr_fmt(text) MARK text',
      '#define pr_warn(x) printk(pr_fmt(x))',
      'static inline __attribute__((__unused__)) void warns(int a)',
      '{',
      ' printk(MARK "x {");',
      '}',
      'static inline int uses(int a) { if (a) { warns(a); } return 0; }',
      '#define USES(a) uses(a)',
      'static inline int clean(int a) { return pr(a); }',
      '#define CLEAN clean',
      'struct s { int warns_not; };',
    ].join('\n');
    expect([...taintedNames(text, 'MARK')].sort()).toEqual(['USES', 'uses', 'warns']);
  });

  test('finds nothing without a mark', () => {
    expect(taintedNames('int a;\n', 'MARK').size).toBe(0);
  });
});

describe('mayPrecompile()', () => {
  const x86 = findArchitecture('x86_64');
  const arm = findArchitecture('aarch64');
  test('allows it only where it was compared, without anything of somebody', () => {
    if (!x86 || !arm) throw new Error('no architectures');
    expect(mayPrecompile({}, LEAN, x86)).toBe(true);
    expect(mayPrecompile({ series: '6.1' }, LEAN, x86)).toBe(false);
    expect(mayPrecompile({}, LEAN, arm)).toBe(false);
    expect(mayPrecompile({}, KATA, x86)).toBe(false);
    expect(mayPrecompile({ extraFragments: ['debug'] }, LEAN, x86)).toBe(false);
    expect(mayPrecompile({ patches: ['a.patch'] }, LEAN, x86)).toBe(false);
    expect(mayPrecompile({ tarball: '/a.tar.xz' }, LEAN, x86)).toBe(false);
  });
});
