import { BuildError } from '../build-error.ts';
import { checkTreePath } from '../tree/tree-path.ts';

/**
 * The place in a tree that an archive's name means: "./usr//bin/" is "usr/bin". Throws BuildError for an absolute name and
 * for one with the component "..", whatever it would amount to: an archive that is honest has neither.
 */
export function entryPath(name: string): string {
  if (name.startsWith('/')) throw new BuildError(`archive entry ${shown(name)}: absolute names are refused`);
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw new BuildError(`archive entry ${shown(name)}: names with ".." are refused`);
  return components.length === 0 ? '.' : checkTreePath(components.join('/'));
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);
}
