/**
 * Bundles the `kihon` command into one executable file: `tsx host/build/bundle.ts [OUTPUT]`, default build/kihon.
 *
 * The result starts anywhere, and as either kind of module: a file without extension is CommonJS, unless the nearest
 * package.json says `"type": "module"`, which the one of this repository does. So the bundle is CommonJS that makes its own
 * `require` when there is none.
 */
import { chmod, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

const BANNER = [
  '#!/usr/bin/env node',
  "var require = typeof require === 'function' ? require : process.getBuiltinModule('node:module').createRequire('/');",
  // What a module of the bundle asks about itself is answered with the bundle's own place.
  "var kihonFile = require('node:fs').realpathSync(process.argv[1]);",
  "var kihonUrl = require('node:url').pathToFileURL(kihonFile).href;",
  "var kihonFolder = require('node:path').dirname(kihonFile);",
].join('\n');

/** The kernel's builder finds its fragments beside its source: seen from `build/kihon`, where the source is. */
const ownFolders: Plugin = {
  name: 'own-folders',
  setup: (bundle) => {
    bundle.onLoad({ filter: /[/\\]kernel-config[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
      const folder = JSON.stringify(join('..', relative(REPOSITORY, dirname(path))));
      const source = await readFile(path, 'utf8');
      const contents = source.replaceAll('import.meta.dirname', `__join(kihonFolder, ${folder})`);
      return { contents: `import { join as __join } from 'node:path';\n${contents}`, loader: 'ts' };
    });
  },
};

/** Writes the bundle to `output`, all at once: a running command keeps the old file. */
export async function bundleCommand(output: string): Promise<void> {
  await mkdir(dirname(output), { recursive: true });
  const partial = `${output}.partial`;
  await build({
    entryPoints: [join(REPOSITORY, 'host', 'cli', 'main.ts')],
    outfile: partial,
    bundle: true,
    platform: 'node',
    target: 'node20.12',
    format: 'cjs',
    banner: { js: BANNER },
    define: { 'import.meta.url': 'kihonUrl' },
    plugins: [ownFolders],
    // Optional native add-on of a dependency; it is asked for in a try block and not there.
    external: ['osx-temperature-sensor'],
    legalComments: 'eof',
    logLevel: 'warning',
  });
  await chmod(partial, 0o755);
  await rename(partial, output);
}

const output = resolve(process.argv[2] ?? join(REPOSITORY, 'build', 'kihon'));
await bundleCommand(output);
process.stdout.write(`${output}\n`);
