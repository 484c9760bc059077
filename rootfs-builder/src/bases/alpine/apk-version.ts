/** Suffixes in their order; those before the empty one are older than the release. */
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p'];

const FORM =
  /^(?<digits>[0-9]+(?:\.[0-9]+)*)(?<letter>[a-z]?)(?<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~[0-9a-f]+)?(?:-r(?<revision>[0-9]+))?$/;

/** A version of an Alpine package (apk-package(5)): numbers, a letter, suffixes such as `_rc1`, a revision. */
export interface ApkVersion {
  readonly numbers: readonly string[];
  readonly letter: string;
  readonly suffixes: readonly (readonly [rank: number, number: number])[];
  readonly revision: number;
}

/** Reads a version; undefined when it is none. */
export function parseApkVersion(text: string): ApkVersion | undefined {
  const groups = text.length > 200 ? undefined : FORM.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { digits = '', letter = '', suffixes = '', revision = '0' } = groups;
  return {
    numbers: digits.split('.'),
    letter,
    suffixes: [...suffixes.matchAll(/_([a-z]+)([0-9]*)/g)].map(([, name = '', number = '']) => [
      SUFFIXES.indexOf(name),
      Number(number),
    ]),
    revision: Number(revision),
  };
}

/** Negative when `left` is older, positive when it is newer. Versions that are none compare as text. */
export function compareApkVersions(left: string, right: string): number {
  const [one, other] = [parseApkVersion(left), parseApkVersion(right)];
  if (one === undefined || other === undefined) return left < right ? -1 : left > right ? 1 : 0;
  for (let index = 0; index < Math.max(one.numbers.length, other.numbers.length); index++) {
    const [a, b] = [one.numbers[index], other.numbers[index]];
    if (a === undefined) return -1;
    if (b === undefined) return 1;
    const order = compareNumbers(a, b, index === 0);
    if (order !== 0) return order;
  }
  if (one.letter !== other.letter) return one.letter < other.letter ? -1 : 1;
  const none: readonly [number, number] = [SUFFIXES.indexOf(''), 0];
  for (let index = 0; index < Math.max(one.suffixes.length, other.suffixes.length); index++) {
    const [a, b] = [one.suffixes[index] ?? none, other.suffixes[index] ?? none];
    const order = a[0] - b[0] || a[1] - b[1];
    if (order !== 0) return order;
  }
  return one.revision - other.revision;
}

/** After the first, a number with a zero in front is a fraction: 1.05 is older than 1.5. */
function compareNumbers(left: string, right: string, isFirst: boolean): number {
  if (!isFirst && (left.startsWith('0') || right.startsWith('0')) && left !== right && left !== '0' && right !== '0')
    return left < right ? -1 : 1;
  return Number(left) - Number(right);
}

/** Operators of a dependency. */
export type VersionOperator = '=' | '<' | '>' | '<=' | '>=' | '~';

/** True when a version is one that a dependency takes. `~1.2` takes 1.2 and all that begin with 1.2. */
export function satisfies(version: string, operator: VersionOperator, wanted: string): boolean {
  if (operator === '~') return version === wanted || new RegExp(`^${escape(wanted)}(?![0-9])`).test(version);
  const order = compareApkVersions(version, wanted);
  switch (operator) {
    case '=':
      return order === 0;
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
