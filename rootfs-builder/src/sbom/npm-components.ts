import { BuildError } from '../build-error.ts';
import type { Component } from './component.ts';

/**
 * Components for npm packages by what package-lock.json says of them. Throws BuildError when the text is no lock file of
 * version 3, or a package is not in it.
 */
export function npmComponents(lock: string, names: readonly string[]): Component[] {
  const packages = packagesOf(lock);
  return names.map((name) => {
    const entry = packages[`node_modules/${name}`];
    const version = field(entry, 'version');
    if (version === undefined) throw new BuildError(`package-lock.json: ${name} is not in it`);
    const license = field(entry, 'license');
    return {
      kind: 'library',
      name,
      version,
      ...(license === undefined ? {} : { license }),
      purl: `pkg:npm/${name.startsWith('@') ? name.replace('@', '%40') : name}@${version}`,
    };
  });
}

function packagesOf(lock: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(lock);
  } catch (error) {
    throw new BuildError('package-lock.json: no JSON', error);
  }
  const packages: unknown = isRecord(parsed) ? parsed.packages : undefined;
  if (!isRecord(packages)) throw new BuildError('package-lock.json: it has no list of packages');
  return packages;
}

function field(entry: unknown, name: string): string | undefined {
  const value = isRecord(entry) ? entry[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
