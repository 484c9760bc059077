import { invalidArgument } from '../../base/errors.ts';
import { parseYaml } from '../../codec/yaml/parse-yaml.ts';
import { int32, uint32 } from '../from-json/integer-range.ts';
import { JsonObject, knownKeys } from '../from-json/json-object.ts';
import type { JsonSession } from '../from-json/json-object.ts';
import { maxJsonBytes, readJson } from '../from-json/read-json.ts';
import type { HookSpec, HooksSpec, IntelRdtSpec } from '../spec.ts';
import { cdiError, isCdiKind, isCdiName } from './device-name.ts';

/** Versions of the CDI specification whose documents are read: all from 0.3.0 to 1.x. */
const versions = /^(?:0\.[3-8]|1\.\d{1,3})\.\d{1,3}$/;

export interface CdiDeviceNode {
  /** In the container. */
  readonly path: string;
  /** In the guest; the same when undefined. */
  readonly hostPath: string | undefined;
  readonly type: 'b' | 'c' | 'p' | undefined;
  readonly major: number | undefined;
  readonly minor: number | undefined;
  readonly fileMode: number | undefined;
  /** Letters of a cgroup's rule. */
  readonly permissions: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type: string | undefined;
  readonly options: readonly string[];
}

export interface CdiHook extends HookSpec {
  readonly point: keyof HooksSpec;
}

/** What a device changes in a container. */
export interface CdiEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly additionalGids: readonly number[];
  readonly intelRdt: IntelRdtSpec | undefined;
}

/** A document of `/var/run/cdi`: the devices of one kind. */
export interface CdiSpec {
  readonly kind: string;
  /** For every container that gets one of the devices. */
  readonly edits: CdiEdits;
  readonly devices: ReadonlyMap<string, CdiEdits>;
}

const specKeys = knownKeys('cdiVersion', 'kind', 'annotations', 'devices', 'containerEdits');
const deviceKeys = knownKeys('name', 'annotations', 'containerEdits');
const editKeys = knownKeys('env', 'deviceNodes', 'netDevices', 'mounts', 'hooks', 'additionalGids', 'intelRdt');
const nodeKeys = knownKeys(...['path', 'hostPath', 'type', 'major', 'minor', 'fileMode', 'permissions', 'uid', 'gid']);
const mountKeys = knownKeys('hostPath', 'containerPath', 'type', 'options');
const hookKeys = knownKeys('hookName', 'path', 'args', 'env', 'timeout');
const rdtKeys = knownKeys(
  ...['closID', 'l3CacheSchema', 'memBwSchema', 'schemata', 'enableCMT', 'enableMBM', 'enableMonitoring'],
);
const points = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;

const noEdits: CdiEdits = {
  env: [],
  deviceNodes: [],
  mounts: [],
  hooks: [],
  additionalGids: [],
  intelRdt: undefined,
};

function deviceNode(node: JsonObject): CdiDeviceNode {
  const type = node.text('type');
  if (type !== undefined && !['b', 'c', 'u', 'p'].includes(type)) throw node.error('type', 'must be b, c, u or p');
  const permissions = node.text('permissions');
  if (permissions !== undefined && !/^[rwm]{1,3}$/.test(permissions))
    throw node.error('permissions', 'must be letters of rwm');
  return {
    path: node.requiredString('path'),
    hostPath: node.text('hostPath'),
    type: type === 'u' ? 'c' : (type as 'b' | 'c' | 'p' | undefined),
    major: node.integer('major', uint32),
    minor: node.integer('minor', uint32),
    fileMode: node.integer('fileMode', uint32),
    permissions,
    uid: node.integer('uid', uint32),
    gid: node.integer('gid', uint32),
  };
}

function mount(entry: JsonObject): CdiMount {
  return {
    hostPath: entry.requiredString('hostPath'),
    containerPath: entry.requiredString('containerPath'),
    type: entry.text('type'),
    options: entry.strings('options'),
  };
}

function hook(entry: JsonObject): CdiHook {
  const point = entry.oneOf('hookName', points, 'hook');
  if (point === undefined) throw entry.error('hookName', 'missing');
  return {
    point,
    path: entry.requiredString('path'),
    args: entry.strings('args'),
    env: entry.strings('env'),
    timeout: entry.integer('timeout', int32),
  };
}

function intelRdt(edits: JsonObject): IntelRdtSpec | undefined {
  const section = edits.object('intelRdt', rdtKeys);
  if (section === undefined) return undefined;
  // Left out they would be a wish that nobody hears of again.
  for (const key of ['enableCMT', 'enableMBM', 'enableMonitoring'])
    if (section.boolean(key)) throw section.error(key, 'monitoring groups are not made here');
  if (section.strings('schemata').length > 0) throw section.error('schemata', 'is not supported; l3CacheSchema is');
  return {
    closId: section.text('closID'),
    l3CacheSchema: section.text('l3CacheSchema'),
    memBwSchema: section.text('memBwSchema'),
  };
}

function containerEdits(owner: JsonObject): CdiEdits {
  const edits = owner.object('containerEdits', editKeys);
  if (edits === undefined) return noEdits;
  if (edits.has('netDevices'))
    throw edits.error('netDevices', 'the network of a pod is given by its host, not by devices');
  const env = edits.strings('env');
  env.forEach((entry, index) => {
    if (entry.indexOf('=') < 1)
      throw invalidArgument(`${edits.pathOf('env')}[${index}]`, 'is not of the form NAME=value');
  });
  return {
    env,
    deviceNodes: edits.objects('deviceNodes', nodeKeys, deviceNode),
    mounts: edits.objects('mounts', mountKeys, mount),
    hooks: edits.objects('hooks', hookKeys, hook),
    additionalGids: edits.integers('additionalGids', uint32).filter((gid) => gid > 0),
    intelRdt: intelRdt(edits),
  };
}

function readDocument(session: JsonSession, document: unknown, name: string): CdiSpec {
  const spec = new JsonObject(session, document, specKeys, undefined, name);
  const version = spec.requiredString('cdiVersion');
  if (!versions.test(version)) throw spec.error('cdiVersion', `${JSON.stringify(version)} is not known here`);
  const kind = spec.requiredString('kind');
  if (!isCdiKind(kind)) throw spec.error('kind', 'is not of the form vendor/class');
  spec.ignore('annotations');
  const devices = new Map<string, CdiEdits>();
  spec.objects('devices', deviceKeys, (device) => {
    const deviceName = device.requiredString('name');
    if (!isCdiName(deviceName)) throw device.error('name', 'is no name of a device');
    if (devices.has(deviceName)) throw device.error('name', `${deviceName} is given twice`);
    device.ignore('annotations');
    devices.set(deviceName, containerEdits(device));
  });
  return { kind, edits: containerEdits(spec), devices };
}

/**
 * Reads a CDI document, JSON or YAML by the ending of its name (CDI specification 0.3 to 1.x). Throws a DomainError that names the file and
 * the place in it.
 */
export function parseCdiSpec(text: string, path: string): CdiSpec {
  try {
    if (path.endsWith('.json'))
      return readJson(text, path, (session, document) => readDocument(session, document, path));
    if (text.length > maxJsonBytes) throw cdiError(`${text.length} bytes, at most ${maxJsonBytes} are accepted`);
    return readDocument({ isExact: true, keys: 0, warnings: [] }, parseYaml(text), path);
  } catch (error) {
    throw cdiError(path, error);
  }
}
