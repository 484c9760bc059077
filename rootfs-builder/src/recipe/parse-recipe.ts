import { basename, dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { BuildError } from '../build-error.ts';
import { FORMATS, ROOT_TYPES } from '../format/format.ts';
import { IMAGE_COMPRESSIONS } from '../format/image-compression.ts';
import { checkMeaning } from './check-meaning.ts';
import type {
  AgentSpec,
  ArchiveEntry,
  BaseSpec,
  DirectoryEntry,
  FileEntry,
  HooksSpec,
  KernelSpec,
  ModulesSpec,
  OutputSpec,
  Recipe,
  SymlinkEntry,
} from './recipe.ts';
import { ARCHITECTURES, BASE_KINDS, INIT_KINDS } from './recipe.ts';
import type { Issue, Schema } from './schema.ts';
import { anyTable, anyText, flag, integer, listOf, matching, oneOf, tableOf, text, textOr } from './schema.ts';
import { guestPath, mode, owner, size } from './values.ts';

/** A recipe larger than this is something else. */
const MAX_RECIPE_BYTES = 1024 * 1024;

const BASES_OF_A_PATH = ['oci', 'dir', 'tar'] as const;

/** What a recipe's file says, before paths are made absolute and names are filled in. */
interface RecipeFile {
  readonly name?: string;
  readonly description?: string;
  readonly architecture?: (typeof ARCHITECTURES)[number];
  readonly base?: BaseFile;
  readonly agent?: AgentSpec;
  readonly modules?: ModulesSpec;
  readonly hooks?: HooksSpec;
  readonly file?: readonly FileEntry[];
  readonly directory?: readonly DirectoryEntry[];
  readonly symlink?: readonly SymlinkEntry[];
  readonly archive?: readonly ArchiveEntry[];
  readonly remove?: readonly string[];
  readonly output?: OutputFile;
  readonly kernel?: KernelSpec;
}

type BaseFile = Omit<BaseSpec, 'mirrors'> & { readonly mirror?: readonly string[]; readonly version?: string };
type OutputFile = Omit<OutputSpec, 'sizeBytes' | 'freeBytes' | 'alignmentBytes' | 'rootType'> & {
  readonly size?: number;
  readonly free?: number;
  readonly alignment?: number;
  readonly filesystem?: (typeof ROOT_TYPES)[number];
};

const word = matching(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, 'a word of letters, digits, ".", "_", "+" and "-"');
/** Names of packages, with a version if need be; what begins with "-" would be an option of apt. */
const packageName = matching(/^[A-Za-z0-9@/.][A-Za-z0-9.+:~=<>_/@-]*$/, 'the name of a package');
const oneOrMore = <T>(item: Schema<T>): Schema<readonly T[]> => {
  const list = listOf(item);
  return (value, path, issues) => {
    if (Array.isArray(value)) return list(value, path, issues);
    const single = item(value, path, issues);
    return single === null ? null : [single];
  };
};

const baseTable = tableOf<BaseFile>(
  {
    kind: oneOf(BASE_KINDS),
    suite: word,
    version: word,
    mirror: oneOrMore(matching(/^[^\s\0]+$/, 'an address or a folder without blanks')),
    components: listOf(word),
    packages: listOf(packageName),
    keys: oneOrMore(text),
    unsigned: flag,
    variant: oneOf(['extract', 'custom', 'essential', 'apt', 'required', 'minbase', 'important', 'standard']),
    mode: oneOf(['auto', 'root', 'unshare', 'fakechroot', 'chrootless']),
    path: text,
    reference: text,
    platform: text,
    owner: oneOf(['keep', 'root']),
    xattrs: oneOf(['keep', 'drop']),
    untrimmed: flag,
    busybox: text,
  },
  ['kind'],
);

/** `base = "oci:image.tar"` and `base = "busybox"` for short. */
const baseWord: Schema<BaseFile> = (value, path, issues) => {
  const written = text(value, path, issues);
  if (written === null) return null;
  const colon = written.indexOf(':');
  const kind = BASES_OF_A_PATH.find((each) => colon !== -1 && each === written.slice(0, colon));
  if (kind !== undefined) return { kind, path: written.slice(colon + 1) };
  const plain = oneOf(BASE_KINDS)(written, path, issues);
  return plain === null ? null : { kind: plain };
};

const recipeTable = tableOf<RecipeFile>({
  name: word,
  description: text,
  architecture: oneOf(ARCHITECTURES),
  base: textOr(baseWord, baseTable),
  agent: tableOf<AgentSpec>({
    binary: anyText,
    init: oneOf(INIT_KINDS),
    config: text,
    settings: anyTable,
    policy: text,
    slim: flag,
    chrony: flag,
    confidential: flag,
  }),
  modules: tableOf<ModulesSpec>({ directory: text, release: word, names: listOf(word), all: flag }, ['directory']),
  hooks: tableOf<HooksSpec>({
    path: guestPath,
    prestart: listOf(text),
    poststart: listOf(text),
    poststop: listOf(text),
  }),
  file: listOf(tableOf<FileEntry>({ target: guestPath, source: text, content: anyText, mode, owner }, ['target'])),
  directory: listOf(tableOf<DirectoryEntry>({ target: guestPath, mode, owner }, ['target'])),
  symlink: listOf(tableOf<SymlinkEntry>({ target: guestPath, to: text }, ['target', 'to'])),
  archive: listOf(tableOf<ArchiveEntry>({ source: text }, ['source'])),
  remove: listOf(guestPath),
  output: tableOf<OutputFile>({
    file: text,
    format: oneOf([...FORMATS, 'dir']),
    filesystem: oneOf(ROOT_TYPES),
    size,
    free: size,
    alignment: size,
    compression: oneOf(IMAGE_COMPRESSIONS),
    verity: textOr(matching(/^[A-Za-z0-9_.-]+$/, 'letters, digits, "_", "." and "-"'), flag),
    salt: matching(/^(?:[0-9a-f]{2}){1,256}$/, 'an even number of hexadecimal digits'),
    dax: flag,
  }),
  kernel: tableOf<KernelSpec>({
    config: word,
    series: word,
    fragments: listOf(text),
    patches: listOf(text),
    source: text,
    folder: text,
    jobs: integer(1, 4096),
  }),
});

/**
 * Reads a recipe. `file` is its name: relative paths in it are relative to its folder. Throws BuildError with one line for
 * each thing that is wrong: the file, the path of the key, and what it must be.
 */
export function parseRecipe(source: string, file: string, hostArchitecture: string): Recipe {
  if (source.length > MAX_RECIPE_BYTES) throw new BuildError(`recipe ${file}: larger than ${MAX_RECIPE_BYTES} bytes`);
  let document: unknown;
  try {
    document = parse(source);
  } catch (error) {
    if (error instanceof TomlError) {
      const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
      throw new BuildError(`recipe ${file}:${error.line}:${error.column}: ${reason}`, error);
    }
    throw error;
  }
  return recipeOf(document, file, hostArchitecture);
}

/** The same for a document that is parsed already, such as the one that osbuilder's variables amount to. */
export function recipeOf(document: unknown, file: string, hostArchitecture: string): Recipe {
  const issues: Issue[] = [];
  const parsed = recipeTable(document, '', issues);
  if (parsed === null) throw invalid(file, issues);
  const recipe = complete(parsed, file, hostArchitecture);
  issues.push(...checkMeaning(recipe));
  if (issues.length > 0) throw invalid(file, issues);
  return recipe;
}

function invalid(file: string, issues: readonly Issue[]): BuildError {
  return new BuildError(issues.map(({ path, problem }) => `recipe ${file}: ${path}: ${problem}`).join('\n'));
}

/** Fills in what is not said and makes paths absolute. */
function complete(parsed: RecipeFile, file: string, hostArchitecture: string): Recipe {
  const folder = dirname(resolve(file));
  const absolute = (path: string): string => resolve(folder, path);
  const { base = { kind: 'none' as const }, agent = {}, output = {}, modules, hooks, kernel = {} } = parsed;
  const { mirror, version, suite = version, path, keys, busybox, ...restOfBase } = base;
  const {
    size: sizeBytes,
    free: freeBytes,
    alignment: alignmentBytes,
    filesystem: rootType,
    file: final,
    ...rest
  } = output;
  return {
    name: parsed.name ?? basename(file).replace(/\.toml$/, ''),
    ...(parsed.description === undefined ? {} : { description: parsed.description }),
    architecture: parsed.architecture ?? hostArchitecture,
    base: {
      ...restOfBase,
      ...given({
        suite,
        mirrors: mirror?.map((each) => (/^\.{1,2}\//.test(each) ? absolute(each) : each)),
        path: path === undefined ? undefined : absolute(path),
        keys: keys?.map(absolute),
        busybox: busybox === undefined ? undefined : absolute(busybox),
      }),
    },
    agent: {
      ...agent,
      ...given({
        binary: agent.binary === undefined || agent.binary === '' ? agent.binary : absolute(agent.binary),
        config: agent.config === undefined ? undefined : absolute(agent.config),
        policy: agent.policy === undefined ? undefined : absolute(agent.policy),
      }),
    },
    ...(modules === undefined ? {} : { modules: { ...modules, directory: absolute(modules.directory) } }),
    ...(hooks === undefined
      ? {}
      : {
          hooks: {
            ...hooks,
            ...given({
              prestart: hooks.prestart?.map(absolute),
              poststart: hooks.poststart?.map(absolute),
              poststop: hooks.poststop?.map(absolute),
            }),
          },
        }),
    files: (parsed.file ?? []).map((each) =>
      each.source === undefined ? each : { ...each, source: absolute(each.source) },
    ),
    directories: parsed.directory ?? [],
    symlinks: parsed.symlink ?? [],
    archives: (parsed.archive ?? []).map(({ source }) => ({ source: absolute(source) })),
    removed: parsed.remove ?? [],
    output: {
      ...rest,
      ...given({
        sizeBytes,
        freeBytes,
        alignmentBytes,
        rootType,
        file: final === undefined ? undefined : absolute(final),
      }),
    },
    kernel: {
      ...kernel,
      ...given({
        source: kernel.source === undefined ? undefined : absolute(kernel.source),
        folder: kernel.folder === undefined ? undefined : absolute(kernel.folder),
        fragments: kernel.fragments?.map((each) => (each.includes('/') ? absolute(each) : each)),
        patches: kernel.patches?.map(absolute),
      }),
    },
  };
}

/** The members that are not undefined. */
function given<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
