import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { BuildError, describing } from '../build-error.ts';
import { throughProgram } from '../compress/compress.ts';
import type { ModuleSource } from './load-order.ts';
import { moduleName, readModuleInfo } from './modinfo.ts';
import type { ModuleInfo } from './modinfo.ts';

const MODULE_FILE = /^(.+)\.ko(\.xz|\.zst|\.gz)?$/;

/** A kernel's folder of modules (`/lib/modules/RELEASE`). Dependencies come from the modules themselves: an unpacked but not installed package has no modules.dep. */
export class ModuleDirectory implements ModuleSource {
  readonly release: string;
  readonly #folder: string;
  readonly #files: ReadonlyMap<string, string>;
  readonly #builtins: ReadonlySet<string>;
  readonly #contents = new Map<string, Uint8Array>();

  private constructor(folder: string, files: ReadonlyMap<string, string>, builtins: ReadonlySet<string>) {
    this.release = basename(folder);
    this.#folder = folder;
    this.#files = files;
    this.#builtins = builtins;
  }

  /**
   * `directory` is the folder of one kernel, or one that holds such folders; then `release` chooses among them unless
   * there is only one. Throws BuildError when it is neither.
   */
  static async open(directory: string, release?: string): Promise<ModuleDirectory> {
    const folder = await findReleaseFolder(resolve(directory), release);
    const files = new Map<string, string>();
    const found = await describing(`read ${folder}`, () => readdir(folder, { recursive: true }));
    // Sorted, with "updates" and "extra" after "kernel": of two modules of one name depmod(8) prefers the update.
    for (const path of found.sort()) {
      const name = MODULE_FILE.exec(basename(path))?.[1];
      if (name !== undefined) files.set(moduleName(name), path);
    }
    const list = await describing(`read ${folder}/modules.builtin`, () =>
      readFile(join(folder, 'modules.builtin'), 'utf8'),
    );
    const builtins = list.split('\n').map((line) => moduleName(basename(line, '.ko')));
    return new ModuleDirectory(folder, files, new Set(builtins.filter((name) => name !== '')));
  }

  isBuiltin(name: string): boolean {
    return this.#builtins.has(name);
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  async info(name: string): Promise<ModuleInfo> {
    return readModuleInfo(await this.content(name), `kernel module ${name}`);
  }

  /** Path below the release folder, without the ending of a compression. */
  path(name: string): string {
    return this.#file(name).replace(/\.(?:xz|zst|gz)$/, '');
  }

  /** The uncompressed module. */
  async content(name: string): Promise<Uint8Array> {
    const cached = this.#contents.get(name);
    if (cached !== undefined) return cached;
    const path = join(this.#folder, this.#file(name));
    const bytes = await describing(`read ${path}`, async () => decompress(path, await readFile(path)));
    this.#contents.set(name, bytes);
    return bytes;
  }

  #file(name: string): string {
    const file = this.#files.get(name);
    if (file === undefined) throw new BuildError(`kernel module ${name}: not in ${this.#folder}`);
    return file;
  }
}

async function findReleaseFolder(directory: string, release: string | undefined): Promise<string> {
  const listed = await describing(`kernel modules ${directory}`, () => readdir(directory));
  if (listed.includes('modules.builtin')) {
    if (release === undefined || release === basename(directory)) return directory;
    throw new BuildError(`kernel modules ${directory}: this is the folder of one kernel, and not of ${release}`);
  }
  if (release !== undefined) {
    if (listed.includes(release)) return join(directory, release);
    throw new BuildError(
      `kernel modules ${directory}: no release ${release} (there: ${listed.sort().join(', ') || 'nothing'})`,
    );
  }
  const [only, ...others] = listed;
  if (only === undefined || others.length > 0) {
    throw new BuildError(
      `kernel modules ${directory}: ${only === undefined ? 'empty' : `choose one of ${listed.sort().join(', ')}`}`,
    );
  }
  return join(directory, only);
}

async function decompress(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (path.endsWith('.gz')) return promisify(gunzip)(bytes);
  const program = path.endsWith('.xz') ? 'xz' : path.endsWith('.zst') ? 'zstd' : undefined;
  if (program === undefined) return bytes;
  const pieces: Uint8Array[] = [];
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  for await (const piece of throughProgram(program, ['-d', '-q', '-c'], source())) pieces.push(piece);
  return Buffer.concat(pieces);
}
