import { DomainError } from '../../base/errors.ts';
import type { UnitRecord } from '../../libcontainer/cgroup/systemd/systemd-unit.ts';
import type { RecordedInit } from '../../libcontainer/launch/recorded-init.ts';
import { namespaceTypes } from '../../oci/spec.ts';
import type { NamespaceType } from '../../oci/spec.ts';

/** What the runtime keeps of a container between two commands: `state.json` in its state directory. */
export interface StoredState {
  readonly id: string;
  /** `ociVersion` of its configuration. */
  readonly ociVersion: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  /** RFC 3339, UTC, with nanoseconds. */
  readonly created: string;
  /** User id of who created it. */
  readonly owner: number;
  readonly annotations: ReadonlyMap<string, string>;
  /** Undefined: the container has no cgroup of its own. */
  readonly cgroup:
    | {
        readonly root: string;
        readonly path: string;
        /** Of systemd, where that made the cgroup. */
        readonly unit?: UnitRecord;
      }
    | undefined;
  /** Its processes end with its first one. */
  readonly hasOwnPidNamespace: boolean;
  /** The configuration has hooks for these points; others need not be looked up. */
  readonly hooks: { readonly poststart: boolean; readonly poststop: boolean };
  /** Absent until there is a process. */
  readonly init: RecordedInit | undefined;
}

/** Format of the file. A state of another version is refused, not guessed at. */
const version = 1;

/** The file's text. */
export function encodeState(state: StoredState): string {
  const { init, annotations, ...rest } = state;
  const namespaces =
    init && Object.fromEntries(Object.entries(init.namespaces).map(([key, ino]) => [key, String(ino)]));
  return JSON.stringify({
    version,
    ...rest,
    annotations: Object.fromEntries(annotations),
    ...(init === undefined ? {} : { init: { pid: init.pid, startTime: String(init.startTime), namespaces } }),
  });
}

function broken(what: string): DomainError {
  return new DomainError('internal', `state.json: ${what}`);
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(`${what} is no object`);
  return value as Fields;
}

function text(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== 'string' || value.includes('\0')) throw broken(`${key} is no text`);
  return value;
}

function flag(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (typeof value !== 'boolean') throw broken(`${key} is neither true nor false`);
  return value;
}

function count(fields: Fields, key: string, least: number): number {
  const value = fields[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) throw broken(`${key} is no count`);
  return value;
}

function big(fields: Fields, key: string): bigint {
  const value = text(fields, key);
  if (!/^\d{1,20}$/.test(value)) throw broken(`${key} is no number`);
  return BigInt(value);
}

/** A path that cannot lead out of where it is put. */
function plainPath(fields: Fields, key: string): string {
  const value = text(fields, key);
  if (!value.startsWith('/') || value.split('/').includes('..')) throw broken(`${key} is no absolute path`);
  return value;
}

function readInit(value: unknown): RecordedInit | undefined {
  if (value === undefined) return undefined;
  const fields = record(value, 'init');
  const inodes = record(fields['namespaces'], 'init.namespaces');
  const namespaces: Partial<Record<NamespaceType, bigint>> = {};
  for (const type of namespaceTypes) if (inodes[type] !== undefined) namespaces[type] = big(inodes, type);
  return { pid: count(fields, 'pid', 1), startTime: big(fields, 'startTime'), namespaces };
}

function readUnit(value: unknown): UnitRecord {
  const fields = record(value, 'cgroup.unit');
  const unit = { name: text(fields, 'name'), socket: text(fields, 'socket') };
  if (!/^[^/\s]+\.scope$/.test(unit.name)) throw broken('cgroup.unit.name is no scope');
  if (!/^[/@]./.test(unit.socket)) throw broken('cgroup.unit.socket is no socket');
  return unit;
}

function readCgroup(value: unknown): StoredState['cgroup'] {
  if (value === undefined) return undefined;
  const fields = record(value, 'cgroup');
  const path = plainPath(fields, 'path');
  if (path === '/') throw broken('cgroup.path is the root');
  const unit = fields['unit'] === undefined ? {} : { unit: readUnit(fields['unit']) };
  return { root: plainPath(fields, 'root'), path, ...unit };
}

function readAnnotations(value: unknown): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(record(value, 'annotations')).map(([key, entry]) => {
      if (typeof entry !== 'string') throw broken(`annotations[${key}] is no text`);
      return [key, entry];
    }),
  );
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw broken(error instanceof Error ? error.message : 'out of memory');
  }
}

/** Reads the file's text. Throws `internal` naming the field for anything that `encodeState` does not write. */
export function decodeState(json: string): StoredState {
  const fields = record(parse(json), 'the whole');
  if (fields['version'] !== version) throw broken(`version ${JSON.stringify(fields['version'])} is not ${version}`);
  const hooks = record(fields['hooks'], 'hooks');
  return {
    id: text(fields, 'id'),
    ociVersion: text(fields, 'ociVersion'),
    bundle: plainPath(fields, 'bundle'),
    rootfs: plainPath(fields, 'rootfs'),
    created: text(fields, 'created'),
    owner: count(fields, 'owner', 0),
    annotations: readAnnotations(fields['annotations']),
    cgroup: readCgroup(fields['cgroup']),
    hasOwnPidNamespace: flag(fields, 'hasOwnPidNamespace'),
    hooks: { poststart: flag(hooks, 'poststart'), poststop: flag(hooks, 'poststop') },
    init: readInit(fields['init']),
  };
}
