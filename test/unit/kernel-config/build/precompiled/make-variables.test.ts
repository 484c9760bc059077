import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  PRECOMPILED_FOLDER,
  globalRegisters,
  makeVariables,
  nameHeader,
} from '../../../../../kernel-config/src/build/precompiled/make-variables.ts';

/** What the variables take from `scripts/Makefile.lib`, in its form. */
const MAKEFILE_LIB = `
basename_flags = -DKBUILD_BASENAME=$(call name-fix,$(basetarget))
modname_flags  = -DKBUILD_MODNAME=$(call name-fix,$(modname)) \\
\t\t -D__KBUILD_MODNAME=kmod_$(call name-fix-token,$(modname))
modfile_flags  = -DKBUILD_MODFILE=$(call stringify,$(modfile))
`;

/** A Makefile that composes flags as the kernel's do. */
const MAKEFILE = `${MAKEFILE_LIB}
name-fix = $1
name-fix-token = $1
stringify = "$1"
basetarget = base
modname = mod
modfile = file
NOSTDINC_FLAGS := -nostdinc
export NOSTDINC_FLAGS
_c_flags = -DX -Wall -O2 $(CFLAGS_$(notdir $(basename $@)).o) -Isome
modkern_cflags = $(KBUILD_CFLAGS_KERNEL) $(CFLAGS_KERNEL) $(modfile_flags)
CFLAGS_slow.o = -fno-inline
c_flags = $(NOSTDINC_FLAGS) $(_c_flags) $(modkern_cflags) $(basename_flags) $(modname_flags)
%.o: ; @echo '$(c_flags)'
`;

describe('makeVariables()', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kihon-make-'));
    writeFileSync(join(folder, 'Makefile'), MAKEFILE);
    for (const [object, names] of [
      ['a/own.o', 'names-pr_fmt'],
      ['a/plain.o', 'names'],
      ['a/slow.o', 'names'],
      ['a/cold.o', 'names'],
    ]) {
      const mark = join(folder, PRECOMPILED_FOLDER, 'id', 'use', `${object ?? ''}.names`);
      mkdirSync(dirname(mark), { recursive: true });
      writeFileSync(mark, names ?? '');
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const flagsOf = (object: string): string => {
    const variables = makeVariables(MAKEFILE_LIB, 'id', { speed: '-O2', size: '-O2 -Os' });
    const cold = 'CFLAGS_KERNEL=$(if $(filter a/cold.o,$@),-Os)';
    return String(execFileSync('make', ['-s', '-C', folder, ...variables, cold, object]))
      .replace(/ +/g, ' ')
      .trim();
  };
  const named = (prefix: string): string =>
    `-D${prefix}KBUILD_MODFILE="file" -D${prefix}KBUILD_BASENAME=base -D${prefix}KBUILD_MODNAME=mod -D${prefix}__KBUILD_MODNAME=kmod_mod`;

  test.each([
    ['that is not marked gets none', 'a/other.o', '-nostdinc -DX -Wall -O2 -Isome', ''],
    [
      'that is marked gets the header for speed',
      'a/plain.o',
      '-nostdinc -Winvalid-pch -include kihon-pch/id/speed.h -include kihon-pch/id/names.h -DX -Wall -O2 -Isome',
      'KIHON_',
    ],
    [
      'with its own pr_fmt gets the names without it',
      'a/own.o',
      '-nostdinc -Winvalid-pch -include kihon-pch/id/speed.h -include kihon-pch/id/names-pr_fmt.h -DX -Wall -O2 -Isome',
      'KIHON_',
    ],
    ['with flags of its own gets none', 'a/slow.o', '-nostdinc -DX -Wall -O2 -fno-inline -Isome', ''],
    [
      'that is compiled for size gets the header for size',
      'a/cold.o',
      '-nostdinc -Winvalid-pch -include kihon-pch/id/size.h -include kihon-pch/id/names.h -DX -Wall -O2 -Isome -Os',
      'KIHON_',
    ],
  ])('an object %s', (_name, object, flags, prefix) => {
    expect(flagsOf(object)).toBe(`${flags} ${named(prefix)}`);
  });

  test('a source whose Makefile.lib has another form is refused', () => {
    expect(() => makeVariables('basename_flags = -DX=1', 'id', {})).toThrow(/basename_flags/);
  });
});

describe('nameHeader()', () => {
  test('names the object, declares registers again and takes late macros away', () => {
    expect(nameHeader(['pr_fmt'], ['rsp'], 'digest').split('\n')).toEqual([
      '/* digest */',
      '#define KBUILD_BASENAME KIHON_KBUILD_BASENAME',
      '#define KBUILD_MODNAME KIHON_KBUILD_MODNAME',
      '#define __KBUILD_MODNAME KIHON___KBUILD_MODNAME',
      '#define KBUILD_MODFILE KIHON_KBUILD_MODFILE',
      'register unsigned long kihon_register_0 asm("rsp");',
      '#undef pr_fmt',
      '',
    ]);
  });
});

describe('globalRegisters()', () => {
  test('finds registers of variables outside of functions, each once', () => {
    const text = [
      'register unsigned long current_stack_pointer asm("rsp");',
      'register unsigned long again asm("rsp");',
      'static void f(void) {',
      '  register long x asm("rax") = 1;',
      '}',
    ].join('\n');
    expect(globalRegisters(text)).toEqual(['rsp']);
  });
});
