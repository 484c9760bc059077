import { existsSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, describing } from '../build-error.ts';
import { measureFile } from '../output/staging.ts';
import type { Component } from './component.ts';
import { npmComponents } from './npm-components.ts';

/** What of our own is in an image. */
export interface OwnParts {
  /** The agent's ELF file. */
  readonly agent?: string;
  /** The kernel that goes with the image. */
  readonly kernel?: { readonly path: string; readonly version: string };
}

/** The agent with what is linked into it (the engine, musl, npm packages), and the kernel. Reads the files' digests. */
export async function ownComponents({ agent, kernel }: OwnParts): Promise<Component[]> {
  const components: Component[] = [];
  const repository = repositoryRoot();
  if (agent !== undefined) {
    const manifest = await describing('read agent/package.json', () =>
      readFile(join(repository, 'agent/package.json'), 'utf8'),
    );
    const { version, dependencies = {} } = JSON.parse(manifest) as {
      version?: string;
      dependencies?: Record<string, string>;
    };
    if (version === undefined) throw new BuildError('agent/package.json: it has no version');
    const lock = await describing('read package-lock.json', () =>
      readFile(join(repository, 'package-lock.json'), 'utf8'),
    );
    const { sha256 } = await describing(`read ${agent}`, () => measureFile(agent));
    components.push(
      { kind: 'application', name: 'kihon-agent', version, license: 'Apache-2.0', supplier: 'Kihon', sha256 },
      {
        kind: 'library',
        name: 'quickjs-ng',
        version: await engineVersion(repository),
        license: 'MIT',
        supplier: 'QuickJS-ng',
      },
      ...npmComponents(lock, Object.keys(dependencies)),
    );
  }
  if (kernel !== undefined) {
    const { sha256 } = await describing(`read ${kernel.path}`, () => measureFile(kernel.path));
    const license = 'GPL-2.0-only WITH Linux-syscall-note';
    components.push({ kind: 'operating-system', name: 'linux', version: kernel.version, license, sha256 });
  }
  return components;
}

/** Of the engine's source package that set-up unpacked; "unknown" when the agent was built elsewhere. */
async function engineVersion(repository: string): Promise<string> {
  const cache = process.env.KIHON_CACHE ?? join(repository, '.cache');
  return await readlink(join(cache, 'debs/qjs-src/current')).catch(() => 'unknown');
}

/** The repository that this file, or the bundle it is in, belongs to. */
function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (dirname(folder) !== folder && !existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}
