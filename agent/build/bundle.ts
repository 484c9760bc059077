import { join } from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/** What the ELF can be; the order is that of agent/engine/entries.c. */
export const entryNames = ['agent', 'init', 'oci'] as const;

interface BundleOptions {
  readonly source: string;
  readonly name: string;
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

/**
 * One script for QuickJS: an iife, native ES2024 with `using`, constants folded. Names are kept (stacks are for people), the
 * source map stays outside. Returns the path of the script.
 */
export async function bundleEntry(options: BundleOptions): Promise<string> {
  const outfile = join(options.outputDirectory, `${options.name}.js`);
  await build({
    entryPoints: [options.source],
    outfile,
    bundle: true,
    format: 'iife',
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
  return outfile;
}
