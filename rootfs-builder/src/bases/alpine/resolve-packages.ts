import { BuildError } from '../../build-error.ts';
import type { ApkPackage, Dependency, Provided } from './apk-index.ts';
import { compareApkVersions, satisfies } from './apk-version.ts';

/** Something that answers to a name, and the version it does so with. */
interface Candidate {
  readonly source: ApkPackage;
  readonly version: string | undefined;
  readonly isItself: boolean;
}

/**
 * The packages that `wanted` takes, dependencies before what needs them. Each name is settled once, by what is chosen
 * already, else the package of that name, else the provider with the highest priority; the newest version that fits.
 * Throws BuildError that names the chain to what is missing or in conflict. (There is no backtracking: indexes of one
 * release are made to fit.)
 */
export function resolvePackages(index: readonly ApkPackage[], wanted: readonly Dependency[]): ApkPackage[] {
  const byName = candidatesByName(index);
  const chosen = new Map<string, ApkPackage>();
  const order: ApkPackage[] = [];

  const take = (dependency: Dependency, chain: readonly string[]): void => {
    if (dependency.isConflict) return; // looked at when all is chosen
    const found = choose(byName.get(dependency.name) ?? [], dependency, chosen);
    if (found === undefined) throw new BuildError(describeMissing(dependency, chain, byName, chosen));
    const before = chosen.get(found.name);
    if (before !== undefined) return;
    chosen.set(found.name, found);
    for (const next of found.depends) take(next, [...chain, found.name]);
    order.push(found);
  };

  for (const dependency of wanted) take(dependency, []);
  // install_if: a package that comes by itself when all it names is there, which may make others come.
  for (let isSettled = false; !isSettled;) {
    isSettled = true;
    for (const each of index) {
      if (each.installIf.length === 0 || chosen.has(each.name)) continue;
      if (!each.installIf.every((dependency) => isMet(dependency, byName, chosen))) continue;
      take({ name: each.name, isConflict: false }, []);
      isSettled = false;
    }
  }
  for (const each of order) {
    const conflict = each.depends.find(
      (dependency) => dependency.isConflict && isMet({ ...dependency, isConflict: false }, byName, chosen),
    );
    if (conflict !== undefined)
      throw new BuildError(`package ${each.name}: does not go with ${conflict.name}, which is needed too`);
  }
  return order;
}

function candidatesByName(index: readonly ApkPackage[]): Map<string, Candidate[]> {
  const byName = new Map<string, Candidate[]>();
  const add = (name: string, candidate: Candidate): void => {
    const list = byName.get(name);
    if (list === undefined) byName.set(name, [candidate]);
    else list.push(candidate);
  };
  for (const source of index) {
    add(source.name, { source, version: source.version, isItself: true });
    for (const { name, version } of source.provides) add(name, { source, version, isItself: false });
  }
  return byName;
}

function fits({ version }: Pick<Provided, 'version'>, { operator, version: wanted }: Dependency): boolean {
  if (operator === undefined || wanted === undefined) return true;
  return version !== undefined && satisfies(version, operator, wanted);
}

function choose(
  candidates: readonly Candidate[],
  dependency: Dependency,
  chosen: ReadonlyMap<string, ApkPackage>,
): ApkPackage | undefined {
  const fitting = candidates.filter(
    ({ source, version }) =>
      fits({ ...(version === undefined ? {} : { version }) }, dependency) &&
      (chosen.get(source.name) ?? source) === source,
  );
  const rank = (left: Candidate, right: Candidate): number =>
    Number(chosen.has(right.source.name)) - Number(chosen.has(left.source.name)) ||
    Number(right.isItself) - Number(left.isItself) ||
    right.source.providerPriority - left.source.providerPriority ||
    compareApkVersions(right.source.version, left.source.version) ||
    (left.source.name < right.source.name ? -1 : 1);
  return [...fitting].sort(rank)[0]?.source;
}

function isMet(
  dependency: Dependency,
  byName: ReadonlyMap<string, Candidate[]>,
  chosen: ReadonlyMap<string, ApkPackage>,
): boolean {
  const isThere = (byName.get(dependency.name) ?? []).some(
    ({ source, version }) =>
      chosen.get(source.name) === source && fits({ ...(version === undefined ? {} : { version }) }, dependency),
  );
  return dependency.isConflict ? !isThere : isThere;
}

function describeMissing(
  { name, operator, version }: Dependency,
  chain: readonly string[],
  byName: ReadonlyMap<string, Candidate[]>,
  chosen: ReadonlyMap<string, ApkPackage>,
): string {
  const by = chain.length === 0 ? '' : ` (needed by ${[...chain].reverse().join(', needed by ')})`;
  const candidates = byName.get(name) ?? [];
  const there = candidates.map(
    ({ source, version: has }) =>
      `${source.name} ${has ?? source.version}${chosen.has(source.name) ? ', chosen before' : ''}`,
  );
  const offer = there.length === 0 ? 'no package has this name or provides it' : `there is ${there.join('; ')}`;
  return `package ${name}${operator ?? ''}${version ?? ''}${by}: ${offer}`;
}
