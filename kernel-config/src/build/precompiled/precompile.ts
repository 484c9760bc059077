import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Architecture } from '../../architecture.ts';
import { BuildFailure } from '../failure.ts';
import { runCommand } from '../run-command.ts';
import { type CompilerCommand, parseCommandFile } from './compiler-command.ts';
import { HEADER_LIST_FILE, parseHeaderList } from './header-list.ts';
import { LATE_MACROS } from './include-walk.ts';
import {
  PRECOMPILED_FOLDER,
  type Variant,
  globalRegisters,
  makeVariables,
  nameHeader,
  readsPrecompiled,
} from './make-variables.ts';
import { type Eligible, lateChoices, nameHeaderOf, scanTree } from './scan-tree.ts';
import { taintedNames } from './tainted-names.ts';

export interface PrecompileOptions {
  readonly sourceFolder: string;
  readonly objectFolder: string;
  readonly architecture: Architecture;
  /** Whether some objects are compiled for size (`codeFlags`). */
  readonly hasSmallCode: boolean;
  readonly signal?: AbortSignal;
}

/** What a kernel's build does with precompiled headers. */
export interface Precompiled {
  /** Variables for make. */
  readonly variables: readonly string[];
  readonly eligible: readonly Eligible[];
}

/** An object that `make prepare` compiles with the flags of ordinary ones. */
const SAMPLE = 'kernel/.bounds.s.cmd';

/** Put before what a late macro makes, to find it again. */
const MARK = 'KIHON_LATE_';

/**
 * Precompiles the headers that most objects read, and finds which objects they change nothing for. For an object folder after `make
 * prepare`, which makes the last headers.
 *
 * An object's `.d` file does not name these headers, only the small one that is read after them. That one has a digest of all they
 * say after preprocessing, options of the configuration included, and a new time stamp with a new digest: then make compiles
 * every object again that reads them. Another list, other flags or another choice of objects changes the commands of objects.
 *
 * @throws {BuildFailure} when the headers cannot be compiled, or the source's Makefiles are not as expected.
 */
export async function precompileHeaders(options: PrecompileOptions): Promise<Precompiled> {
  const { sourceFolder, objectFolder, hasSmallCode } = options;
  const command = parseCommandFile(await readFile(join(objectFolder, SAMPLE), 'utf8'));
  if (!command) throw new BuildFailure(`${SAMPLE} is not an ordinary command of the compiler`);
  const { headers, without } = parseHeaderList(await readFile(HEADER_LIST_FILE, 'utf8'));
  const makefileLib = await readFile(join(sourceFolder, 'scripts/Makefile.lib'), 'utf8');
  // A series may lack one; the objects that include it then would not compile anyway.
  const there = headers.filter((header) => existsSync(join(sourceFolder, 'include', header)));
  const text = ['linux/kconfig.h', 'linux/compiler_types.h', ...there]
    .map((header) => `#include <${header}>\n`)
    .join('');
  const identity = createHash('sha256')
    .update(JSON.stringify([text, command]))
    .digest('hex')
    .slice(0, 8);
  const folder = join(objectFolder, PRECOMPILED_FOLDER, identity);
  await removeOthers(join(objectFolder, PRECOMPILED_FOLDER), identity);
  await mkdir(folder, { recursive: true });
  await writeUnlessSame(join(folder, 'headers.h'), text);

  const preprocessed = await preprocess(command, folder, options);
  const flags: Partial<Record<Variant, readonly string[]>> = {
    speed: command.codeFlags,
    ...(hasSmallCode ? { size: [...command.codeFlags, '-Os'] } : {}),
  };
  const compiling = Promise.all(
    Object.entries(flags).map(([variant, codeFlags]) =>
      compileHeaders({ ...command, codeFlags }, folder, variant, options),
    ),
  );
  // It is awaited below; what fails before that shall not leave it alone with its own failure.
  compiling.catch(() => undefined);
  // The scan has one processor while gcc has the others.
  const eligible = scanTree({
    ...{ sourceFolder, objectFolder, sourceArch: options.architecture.sourceArch, without },
    searchFolders: command.searchFolders.map((path) => resolve(objectFolder, path)),
    precompiled: preprocessed.headers.map((path) => resolve(objectFolder, path)),
    tainted: new Map(
      Object.keys(LATE_MACROS).map((macro) => [macro, taintedNames(preprocessed.text, `${MARK}${macro}`)]),
    ),
  });
  const registers = globalRegisters(preprocessed.text);
  const digest = createHash('sha256').update(preprocessed.text).digest('hex');
  for (const late of lateChoices()) {
    await writeUnlessSame(join(folder, `${nameHeaderOf(late)}.h`), nameHeader(late, registers, digest));
  }
  await writeUses(join(folder, 'use'), eligible);
  await compiling;
  const joined = Object.fromEntries(Object.entries(flags).map(([variant, list]) => [variant, list.join(' ')]));
  return { variables: makeVariables(makefileLib, identity, joined), eligible };
}

/** How many of the objects have in their command that they read precompiled headers. */
export async function countUsers(objectFolder: string, eligible: readonly Eligible[]): Promise<number> {
  const commands = await Promise.all(
    eligible.map(async ({ object }) =>
      readFile(join(objectFolder, dirname(object), `.${object.slice(object.lastIndexOf('/') + 1)}.cmd`), 'utf8').catch(
        () => '',
      ),
    ),
  );
  return commands.filter(readsPrecompiled).length;
}

/** Takes precompiled headers from objects. Returns how many of them had them. */
export async function withdraw(objectFolder: string, objects: readonly string[]): Promise<number> {
  const folder = join(objectFolder, PRECOMPILED_FOLDER);
  let count = 0;
  for (const identity of await readdir(folder)) {
    for (const object of objects) {
      const mark = join(folder, identity, 'use', `${object}.names`);
      if (!existsSync(mark)) continue;
      await rm(mark);
      count++;
    }
  }
  return count;
}

/** Preprocesses all headers, with marks where a late macro was put in; tells which were read too. */
async function preprocess(
  command: CompilerCommand,
  folder: string,
  options: PrecompileOptions,
): Promise<{ text: string; headers: string[] }> {
  const output = join(folder, 'headers.i');
  const list = join(folder, 'headers.d');
  const marks = Object.keys(LATE_MACROS).map((macro) => `-D${macro}(text)=${MARK}${macro} text`);
  await compile(command, [...marks, '-E', '-dD', '-MD', '-MF', list, '-MT', 'all', '-o', output], folder, options);
  const rule = await readFile(list, 'utf8');
  const headers = rule.replace(/\\\n/g, ' ').split(/\s+/).slice(1);
  return {
    text: await readFile(output, 'utf8'),
    headers: headers.filter((path) => path !== '' && !path.startsWith(folder)),
  };
}

async function compileHeaders(
  command: CompilerCommand,
  folder: string,
  variant: string,
  options: PrecompileOptions,
): Promise<void> {
  // Where gcc refuses the compiled one it reads this: nothing, and so the object is compiled as it always was.
  await writeUnlessSame(join(folder, `${variant}.h`), '');
  await compile(command, ['-o', join(folder, `${variant}.h.gch`)], folder, options);
}

async function compile(
  { compiler, searchFolders, defines, codeFlags, warnings }: CompilerCommand,
  args: readonly string[],
  folder: string,
  { objectFolder, signal }: PrecompileOptions,
): Promise<void> {
  await runCommand(
    compiler,
    [
      ...['-nostdinc', ...searchFolders.map((path) => `-I${path}`), ...defines, ...codeFlags, ...warnings, ...args],
      ...['-x', 'c-header', join(folder, 'headers.h')],
    ],
    { cwd: objectFolder, ...(signal ? { signal } : {}) },
  );
}

/** Makes the files that say which objects read the headers, and no others. */
async function writeUses(folder: string, eligible: readonly Eligible[]): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const name of new Set(eligible.map(({ object }) => dirname(object)))) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await Promise.all(
    eligible.map(({ object, ownLate }) => writeFile(join(folder, `${object}.names`), nameHeaderOf(ownLate))),
  );
}

async function removeOthers(folder: string, identity: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name !== identity) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Keeps the time stamp of a file that has the text already: objects depend on it. */
async function writeUnlessSame(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text);
}
