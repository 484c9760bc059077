import { invalidArgument } from '../../../base/errors.ts';

const field = 'linux.cgroupsPath';

/** Where a container goes. */
export interface UnitPlace {
  readonly slice: string;
  readonly name: string;
  /** Of the unit's cgroup, below that of the manager. */
  readonly path: string;
}

/** UNIT_NAME_MAX of systemd, and what a name may consist of (systemd.unit(5)). */
const maxNameLength = 255;
const unitName = /^[A-Za-z0-9:_.\\@-]+$/;

function checkName(name: string): void {
  if (name.length > maxNameLength) throw invalidArgument(field, `the unit name ${name.slice(0, 50)}... is too long`);
  if (!unitName.test(name)) throw invalidArgument(field, `${JSON.stringify(name)} is no name for a systemd unit`);
}

/** The folders of a slice: `a-b.slice` is in `a.slice` (systemd.slice(5)); `-.slice` is the root of them all. */
export function expandSlice(slice: string): readonly string[] {
  const suffix = '.slice';
  if (slice === '-.slice') return [];
  checkName(slice);
  const base = slice.slice(0, -suffix.length);
  const parts = base.split('-');
  if (!slice.endsWith(suffix) || parts.includes('')) {
    throw invalidArgument(field, `${JSON.stringify(slice)} is no name of a slice`);
  }
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}${suffix}`);
}

/**
 * The unit that `cgroupsPath` asks for: `slice:prefix:name` is the scope `prefix-name.scope` in the slice. What is empty gets a
 * default; so does an empty path (contract, lifecycle section 12.1). Throws `invalid_argument` for any other form.
 */
export function unitPlaceOf(cgroupsPath: string, containerId: string, defaultSlice: string): UnitPlace {
  const parts = (cgroupsPath === '' ? `:kihon:${containerId}` : cgroupsPath).split(':');
  const [slice = '', prefix = '', last = ''] = parts;
  if (parts.length !== 3 || cgroupsPath.includes('/')) {
    throw invalidArgument(
      field,
      `${JSON.stringify(cgroupsPath)} is not slice:prefix:name, as the systemd manager wants it`,
    );
  }
  if (last.endsWith('.slice'))
    throw invalidArgument(field, `${JSON.stringify(last)} is a slice, which holds no processes`);
  const scope = `${last === '' ? containerId : last}.scope`;
  const name = prefix === '' ? scope : `${prefix}-${scope}`;
  checkName(name);
  const parent = slice === '' ? defaultSlice : slice;
  return { slice: parent, name, path: `/${[...expandSlice(parent), name].join('/')}` };
}
