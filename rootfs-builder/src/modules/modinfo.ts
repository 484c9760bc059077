import { decodeBytes } from '../../../agent/src/base/text.ts';
import { elfSection } from './elf.ts';

/** What a kernel module says about itself in its `.modinfo` section (NUL-separated `key=value`). */
export interface ModuleInfo {
  /** Names of modules whose symbols it uses: these must be loaded before it. */
  readonly depends: readonly string[];
  /** Names of modules or algorithms that should be loaded before it (MODULE_SOFTDEP "pre:"). */
  readonly softDepends: readonly string[];
}

/** One spelling for a module: files say "virtio-rng" where the kernel says "virtio_rng". */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

/** Reads the dependencies from the bytes of an uncompressed module. `what` names it in errors. */
export function readModuleInfo(bytes: Uint8Array, what: string): ModuleInfo {
  const section = elfSection(bytes, '.modinfo', what) ?? new Uint8Array(0);
  const depends: string[] = [];
  const softDepends: string[] = [];
  for (const line of decodeBytes(section).split('\0')) {
    const equals = line.indexOf('=');
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1);
    if (key === 'depends') depends.push(...value.split(',').filter((name) => name !== ''));
    if (key === 'softdep') softDepends.push(...preOf(value));
  }
  return { depends: depends.map(moduleName), softDepends: softDepends.map(moduleName) };
}

/** The names after "pre:" and before "post:". */
function preOf(softdep: string): string[] {
  const names: string[] = [];
  let isPre = false;
  for (const word of softdep.split(/\s+/)) {
    if (word.endsWith(':')) isPre = word === 'pre:';
    else if (isPre && word !== '') names.push(word);
  }
  return names;
}
