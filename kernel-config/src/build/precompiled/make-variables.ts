import { BuildFailure } from '../failure.ts';

/** Where everything of precompiled headers is, below the object folder. */
export const PRECOMPILED_FOLDER = 'kihon-pch';

/** Whether a command of the compiler, as fixdep writes it beside an object, reads precompiled headers. */
export function readsPrecompiled(commandFile: string): boolean {
  return commandFile.includes(`-include ${PRECOMPILED_FOLDER}/`);
}

/** Kinds of precompiled headers: for code that is compiled for speed, and for size. */
export type Variant = 'speed' | 'size';

/** The kernel's macros that are another for each object. */
const NAME_MACROS = ['KBUILD_BASENAME', 'KBUILD_MODNAME', '__KBUILD_MODNAME', 'KBUILD_MODFILE'] as const;

/** Variables of `scripts/Makefile.lib` that define them. */
const NAME_VARIABLES = ['basename_flags', 'modname_flags', 'modfile_flags'] as const;

/**
 * The header that every object reads after the precompiled one. gcc refuses a precompiled header when a macro is defined that
 * it has seen without one, so the macros that name the object come with another name and get theirs here.
 * `late` are macros that the source defines itself: their defaults go. `registers` are global register variables of the headers: gcc
 * forgets with a precompiled header that they are (its `global_regs`), and schedules other code; so they are declared again.
 * `digest` is that of all the precompiled headers say: an object depends on this file, and not on them.
 */
export function nameHeader(late: readonly string[], registers: readonly string[], digest: string): string {
  return [
    `/* ${digest} */`,
    ...NAME_MACROS.map((macro) => `#define ${macro} KIHON_${macro}`),
    ...registers.map((name, index) => `register unsigned long kihon_register_${index} asm("${name}");`),
    ...late.map((macro) => `#undef ${macro}`),
    '',
  ].join('\n');
}

/** Registers that preprocessed headers declare variables in. */
export function globalRegisters(preprocessed: string): string[] {
  const found = preprocessed.matchAll(/^register\s[^;(]*\b(?:asm|__asm__|__asm)\s*\(\s*"%?(\w+)"\s*\)\s*;/gm);
  return [...new Set([...found].map((match) => match[1] ?? ''))];
}

/**
 * Variables for make that give an object its precompiled header. It gets one if there is a file of its name below `use` (which names
 * the header to read after it), and if its flags, but for folders, macros and warnings, are exactly those of one: gcc compares
 * not all of them, and would take others than its own from the header. About macros gcc is exact, and refuses.
 *
 * `NOSTDINC_FLAGS` is the first in a compiler's command that all objects have; a precompiled header must be the first file read.
 *
 * @param makefileLib Text of the source's `scripts/Makefile.lib`.
 * @throws {BuildFailure} when it does not define the names of objects as it does in 6.12 and 7.2.
 */
export function makeVariables(
  makefileLib: string,
  identity: string,
  codeFlags: Readonly<Partial<Record<Variant, string>>>,
): string[] {
  const folder = `${PRECOMPILED_FOLDER}/${identity}`;
  // `subst` leaves nothing exactly when the two are equal, each between two signs that no flag has.
  const variants = Object.keys(codeFlags).map(
    (variant) => `$(if $(subst ^$(KIHON_${variant})^,,^$(KIHON_CODE)^),,${variant})`,
  );
  return [
    ...Object.entries(codeFlags).map(([variant, flags]) => `KIHON_${variant}=${flags}`),
    // As in Makefile.lib, but for `modfile_flags`, which ask for this.
    'KIHON_KIND=$(if $(part-of-module),$(KBUILD_CFLAGS_MODULE) $(CFLAGS_MODULE),$(KBUILD_CFLAGS_KERNEL) $(CFLAGS_KERNEL))',
    'KIHON_CODE=$(strip $(filter-out -I% -D% -W%,$(_c_flags) $(KIHON_KIND)))',
    `KIHON_VARIANT=${variants.join('')}`,
    `KIHON_NAMES=$(file <${folder}/use/$@.names)`,
    'KIHON_PCH=$(if $(KIHON_NAMES),$(KIHON_VARIANT))',
    `NOSTDINC_FLAGS=-nostdinc$(if $(KIHON_PCH), -Winvalid-pch -include ${folder}/$(KIHON_PCH).h -include ${folder}/$(KIHON_NAMES).h)`,
    ...NAME_VARIABLES.map((variable) => {
      const value = valueOf(makefileLib, variable);
      if (!/-D(?:__)?KBUILD_/.test(value)) {
        throw new BuildFailure(`scripts/Makefile.lib does not define ${variable} by -DKBUILD_...: ${value}`);
      }
      return `${variable}=${value.replace(/-D(?=(?:__)?KBUILD_)/g, '-D$(if $(KIHON_PCH),KIHON_)')}`;
    }),
  ];
}

function valueOf(makefile: string, variable: string): string {
  const joined = makefile.replace(/\\\n\s*/g, ' ');
  return new RegExp(`^${variable}\\s*=[ \\t]*(.*)$`, 'm').exec(joined)?.[1] ?? '';
}
