/**
 * Builds the agent: ABI tables, API messages, bundles, bytecode, one static ELF.
 *
 *     npx tsx agent/build/build.ts [--arch x86_64] [--failpoints] [--output FILE]
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execFileSync } from 'node:child_process';
import { archByName } from './arch.ts';
import type { Arch } from './arch.ts';
import { bundleEntries } from './bundle.ts';
import { generateAbi } from './generate-abi.ts';
import { muslFlags } from './musl.ts';
import type { MuslFlags } from './musl.ts';
import { buildRuntime, runtimePath } from './image.ts';
import { countedInterpreter } from './interpreter.ts';
import { findQuickjs } from './quickjs-source.ts';

const agentDirectory = resolve(import.meta.dirname, '..');
const root = resolve(agentDirectory, '..');
const engineDirectory = join(agentDirectory, 'engine');

/** Everything outside the interpreter is compiled with every warning as an error. */
const strictFlags = [
  '-std=gnu11',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Wconversion',
  '-Wno-sign-conversion',
  '-Wstrict-prototypes',
  '-Werror',
];
const besideQuickjs = ['libregexp', 'libunicode', 'dtoa'];
const interpreterSources = ['quickjs', ...besideQuickjs];
const engineSources = [
  'main',
  'natives',
  'fatal',
  'rejections',
  'entries',
  'modules',
  'protect',
  'abort',
  'heap',
  'image',
];

/** Names the inputs of a step, so that the step runs only when one of them changed. */
function digest(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
}

/** Runs `make` unless `output` was made from the same inputs before. */
function cached(output: string, key: string, make: (temporary: string) => void): void {
  const stamp = `${output}.key`;
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  const temporary = `${output}.tmp`;
  make(temporary);
  renameSync(temporary, output);
  writeFileSync(stamp, key);
}

interface EngineBuild {
  readonly arch: Arch;
  readonly objects: string;
  /** Objects of the interpreter, which is the same in a test build. */
  readonly interpreter: string;
  /** Bundles and bytecode: of the agent, or of a test program that takes its place. */
  readonly programs: string;
  readonly quickjs: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly smallFlags: readonly string[];
  readonly musl: MuslFlags;
  readonly isTestBuild: boolean;
}

/** -O2: 1.3 to 1.5 times faster than -Os on promises and JSON for 200 KB (docs/engine.md has the table). */
const releaseFlags = [
  '-O2',
  '-DNDEBUG',
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
  '-ffunction-sections',
  '-fdata-sections',
  '-fstack-protector-strong',
];
/** What runs rarely, and is mostly tables: 31 KB less of it, 13 KB of an initrd. */
const smallSources: readonly string[] = ['libregexp', 'libunicode', 'dtoa'];
const commonFlags = ['-D_GNU_SOURCE', '-DQUICKJS_NG_BUILD'];

/** With -DNDEBUG everywhere QuickJS drops its own asserts and dumps (37 KB). */
function compileObject(
  build: EngineBuild,
  source: string,
  flags: readonly string[],
  { objects = build.objects, included = '' } = {},
): string {
  const name = source.replace(/^.*\//, '').replace(/\.[cS]$/, '');
  const object = join(objects, `${name}.o`);
  const args = [...commonFlags, ...build.musl.compile, ...build.flags, ...flags, '-c', source];
  const headers = readdirSync(engineDirectory)
    .filter((file) => file.endsWith('.h'))
    .map((file) => readFileSync(join(engineDirectory, file)));
  const key = digest(build.compiler, args.join(' '), readFileSync(source), build.quickjs, included, ...headers);
  cached(object, key, (temporary) => run(build.compiler, [...args, '-o', temporary], objects));
  return object;
}

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The compiler from script to bytecode, built for this machine from the same source as the engine. */
function buildCompiler(quickjs: string, version: string): string {
  const directory = join(root, 'build', 'obj', 'host');
  mkdirSync(directory, { recursive: true });
  const output = join(directory, 'compile');
  // It includes quickjs.c.
  const sources = interpreterSources.filter((name) => name !== 'quickjs').map((name) => join(quickjs, `${name}.c`));
  const own = join(engineDirectory, 'compile.c');
  cached(output, digest(version, readFileSync(own)), (temporary) =>
    run('gcc', ['-O1', '-DNDEBUG', ...commonFlags, `-I${quickjs}`, '-o', temporary, own, ...sources, '-lm'], directory),
  );
  return output;
}

/** Kernel headers come after musl's own: it ships none. */
const kernelHeaders = (arch: Arch): string[] => ['-idirafter', '/usr/include', '-idirafter', arch.asmHeaders];

function link(build: EngineBuild, output: string, linkFlags: readonly string[]): void {
  const include = ['-isystem', build.quickjs];
  const counted = countedInterpreter(build.quickjs);
  const { interpreter } = build;
  writeFileSync(join(interpreter, 'quickjs-counted.c'), counted);
  const objects = [
    compileObject(
      build,
      join(engineDirectory, 'interpreter.c'),
      [`-I${build.quickjs}`, `-I${interpreter}`, ...kernelHeaders(build.arch)],
      { objects: interpreter, included: counted },
    ),
    ...besideQuickjs.map((name) =>
      compileObject(build, join(build.quickjs, `${name}.c`), smallSources.includes(name) ? build.smallFlags : [], {
        objects: interpreter,
      }),
    ),
    ...engineSources.map((name) =>
      compileObject(build, join(engineDirectory, `${name}.c`), [
        ...strictFlags,
        ...(build.isTestBuild ? ['-DKIHON_FAILPOINTS'] : []),
        ...include,
        ...kernelHeaders(build.arch),
      ]),
    ),
  ];
  if (build.arch.name === 'x86_64' && linkFlags.includes('-static'))
    objects.push(
      compileObject(build, join(engineDirectory, 'memory.c'), [...strictFlags, '-fno-tree-loop-distribute-patterns']),
    );
  const embed = join(build.programs, 'embed.o');
  run(build.compiler, ['-c', `-Wa,-I${build.programs}`, join(engineDirectory, 'embed.S'), '-o', embed], build.programs);
  const { linkStart, linkEnd } = build.musl;
  run(build.compiler, [...linkFlags, '-o', output, ...linkStart, ...objects, embed, '-lm', ...linkEnd], build.objects);
}

interface Options {
  readonly arch: Arch;
  readonly output: string;
  readonly isTestBuild: boolean;
  readonly sanitize: boolean;
  /** Replaces the agent entry, for tests that run inside the engine. */
  readonly entry: string | undefined;
  /** The program of `entry` takes the OCI runtime's place instead, and its image is laid. */
  readonly isImage: boolean;
}

/** Beside the ELF, for people who read its stacks; the old ones go, since names change with the content. */
function copyMaps(from: string, modules: readonly string[], to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const name of modules) copyFileSync(join(from, `${name}.map`), join(to, `${name}.map`));
}

/** Without an image, for another machine or with sanitizers (their memory cannot be moved), the runtime is the agent by another name. */
function layRuntime({ arch, output, sanitize }: Options): void {
  const runtime = runtimePath(output);
  if (sanitize || arch.nodeName !== process.arch) {
    rmSync(runtime, { force: true });
    symlinkSync(basename(output), runtime);
    return;
  }
  const size = buildRuntime(output, runtime);
  process.stderr.write(
    `agent: ${runtime.replace(`${root}/`, '')} ${(size / 1024).toFixed(0)} KiB, its image included\n`,
  );
}

async function build(options: Options): Promise<void> {
  const { arch } = options;
  const variant = options.sanitize ? 'sanitize' : options.isTestBuild ? 'failpoints' : 'release';
  const objects = join(root, 'build', 'obj', `${arch.name}-${variant}`);
  const interpreter = join(root, 'build', 'obj', `${arch.name}-${options.sanitize ? 'sanitize' : 'release'}`);
  const programs = options.entry === undefined ? objects : join(objects, basename(options.entry, '.ts'));
  mkdirSync(programs, { recursive: true });
  mkdirSync(interpreter, { recursive: true });
  mkdirSync(resolve(options.output, '..'), { recursive: true });
  generateAbi(arch, join(agentDirectory, 'src/abi/generated'));
  const quickjs = findQuickjs(root);
  const compiler = buildCompiler(quickjs.directory, quickjs.version);
  const source = (name: string): string => join(agentDirectory, `src/entry/${name}.ts`);
  const modules = await bundleEntries({
    sources: {
      agent: options.isImage ? source('agent') : (options.entry ?? source('agent')),
      init: source('init'),
      oci: options.isImage ? (options.entry ?? source('oci')) : source('oci'),
    },
    arch: arch.name,
    outputDirectory: programs,
    isTestBuild: options.isTestBuild,
  });
  for (const name of modules) {
    const script = join(programs, name);
    cached(`${script}.qjsbc`, digest(quickjs.version, readFileSync(script), readFileSync(compiler)), (temporary) =>
      run(compiler, [name, script, temporary], programs),
    );
  }
  writeFileSync(join(programs, 'modules.inc'), modules.map((name) => `    module "${name}"\n`).join(''));
  const common = { arch, objects, interpreter, programs, quickjs: quickjs.directory, isTestBuild: options.isTestBuild };
  const engine: EngineBuild = options.sanitize
    ? {
        ...common,
        compiler: 'gcc',
        flags: [
          '-O1',
          '-g',
          '-fsanitize=address,undefined',
          '-fno-sanitize-recover=undefined',
          '-fno-omit-frame-pointer',
          '-DSTACK_LIMIT_BYTES=(1<<20)',
        ],
        smallFlags: [],
        musl: { compile: [], linkStart: [], linkEnd: [] },
      }
    : { ...common, compiler: arch.muslCompiler, flags: releaseFlags, smallFlags: ['-Os'], musl: muslFlags(arch, root) };
  const linkFlags = options.sanitize
    ? ['-fsanitize=address,undefined']
    : ['-static', '-Wl,--gc-sections', '-Wl,-z,noexecstack', '-Wl,-z,relro', '-Wl,--build-id=sha1'];
  const unstripped = join(programs, 'kihon-agent.elf');
  link(engine, unstripped, linkFlags);
  copyFileSync(unstripped, `${options.output}.tmp`);
  if (!options.sanitize) run(arch.strip, ['--strip-all', `${options.output}.tmp`], objects);
  renameSync(`${options.output}.tmp`, options.output);
  copyMaps(programs, modules, `${options.output}.maps`);
  const size = statSync(options.output).size;
  process.stderr.write(
    `agent: ${options.output.replace(`${root}/`, '')} ${(size / 1024).toFixed(0)} KiB (${variant})\n`,
  );
  if (options.entry === undefined || options.isImage) layRuntime(options);
}

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'x86_64' },
    output: { type: 'string' },
    failpoints: { type: 'boolean', default: false },
    sanitize: { type: 'boolean', default: false },
    entry: { type: 'string' },
    image: { type: 'boolean', default: false },
  },
});
const arch = archByName(values.arch);
const suffix = values.sanitize ? '-sanitize' : values.failpoints ? '-failpoints' : '';
await build({
  arch,
  output: resolve(values.output ?? join(root, 'build', arch.name, `kihon-agent${suffix}`)),
  isTestBuild: values.failpoints,
  sanitize: values.sanitize,
  entry: values.entry === undefined ? undefined : resolve(values.entry),
  isImage: values.image,
});
