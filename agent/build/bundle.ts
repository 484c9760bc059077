import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/** What the ELF can be; agent/engine/entries.c names the same modules. */
export const entryNames = ['agent', 'init', 'oci'] as const;
export type EntryName = (typeof entryNames)[number];

interface BundleOptions {
  /** Source file of each entry. */
  readonly sources: Readonly<Record<EntryName, string>>;
  readonly arch: string;
  readonly outputDirectory: string;
  /** Keeps the failpoints, which a release must not have (design, "Tests"). */
  readonly isTestBuild: boolean;
}

/** Points `abi/generated/x86_64` at the tables of the target. */
function archPlugin(arch: string): Plugin {
  return {
    name: 'abi-of-the-target',
    setup(hooks) {
      hooks.onResolve({ filter: /\/generated\/x86_64\// }, (args) => ({
        path: join(args.resolveDir, args.path.replace('/x86_64/', `/${arch}/`)),
      }));
    },
  };
}

/** Scripts and maps of an earlier build, whose names may have changed. */
function removeOld(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (/\.js(\.map)?$/.test(name)) rmSync(join(directory, name));
  }
}

/**
 * ES modules for QuickJS: one for each entry, one for each part that is imported with `import()`, and one for each set of sources that
 * the same entries share, so that nothing is in the ELF twice. Native ES2024 with `using`, constants folded. Names are kept (stacks are
 * for people), the source maps stay outside. Returns the file names, entries first.
 */
export async function bundleEntries(options: BundleOptions): Promise<readonly string[]> {
  removeOld(options.outputDirectory);
  const { metafile } = await build({
    entryPoints: { ...options.sources },
    outdir: options.outputDirectory,
    bundle: true,
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    metafile: true,
    target: 'es2024',
    supported: { using: true },
    platform: 'neutral',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
    define: { __FAILPOINTS__: String(options.isTestBuild) },
    plugins: [archPlugin(options.arch)],
  });
  const names = Object.keys(metafile.outputs)
    .map((path) => basename(path))
    .filter((name) => name.endsWith('.js'));
  const entries = entryNames.map((name) => `${name}.js`);
  return [...entries, ...names.filter((name) => !entries.includes(name)).sort()];
}
