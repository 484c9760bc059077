import { invalidArgument } from '../../base/errors.ts';
import type { CapabilitySets, ProcessSpec, Resources, Spec } from '../spec.ts';
import { hooks } from './hooks.ts';
import type { JsonSession } from './json-object.ts';
import { JsonObject, knownKeys } from './json-object.ts';
import { linuxKeys, linuxSpec } from './linux.ts';
import { mounts } from './mounts.ts';
import { processKeys, processSpec } from './process.ts';
import { readJson } from './read-json.ts';
import { resolvePath } from './resolve-path.ts';
import { resourceKeys, resourcesOf } from './resources.ts';
import { ociVersion } from './version.ts';

/** What was read, and one line for each setting that is accepted without effect. */
export interface ReadResult<T> {
  readonly value: T;
  readonly warnings: readonly string[];
}

export interface BundleFacts {
  /** Absolute path of the bundle, which relative paths are counted from. */
  readonly bundle: string;
}

const specKeys = knownKeys(
  'ociVersion',
  'process',
  'root',
  'hostname',
  'domainname',
  'mounts',
  'hooks',
  'annotations',
  'linux',
  'solaris',
  'windows',
  'vm',
  'zos',
);
const rootKeys = knownKeys('path', 'readonly');
const noCapabilities: CapabilitySets = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };

/** Sections for other platforms: what only they could honour is refused, the rest says nothing to us. */
function otherPlatforms(spec: JsonObject): void {
  for (const key of ['vm', 'zos'])
    if (spec.has(key)) throw spec.error(key, 'is not for this runtime, which makes Linux containers without a machine');
  for (const key of ['windows', 'solaris']) {
    if (spec.has(key)) spec.warn(key, 'is for another platform; ignored');
    spec.ignore(key);
  }
}

/** The process of a new container: without a list of capabilities it has none, never those of its maker (PRV-02). */
function initProcess(spec: JsonObject): ProcessSpec {
  const section = spec.object('process', processKeys);
  if (section === undefined) throw spec.error('process', 'missing');
  const process = processSpec(section);
  return process.capabilities === undefined ? { ...process, capabilities: noCapabilities } : process;
}

function readSpec(session: JsonSession, document: unknown, name: string, { bundle }: BundleFacts): Spec {
  const spec = new JsonObject(session, document, specKeys, undefined, name);
  const version = ociVersion(spec);
  otherPlatforms(spec);
  const root = spec.object('root', rootKeys);
  if (root === undefined) throw spec.error('root', 'missing');
  const linux = spec.object('linux', linuxKeys);
  if (linux === undefined) throw spec.error('linux', 'missing');
  return {
    version,
    process: initProcess(spec),
    root: { path: resolvePath(bundle, root.requiredString('path')), readonly: root.boolean('readonly') },
    hostname: spec.text('hostname'),
    domainname: spec.text('domainname'),
    mounts: mounts(spec, bundle),
    hooks: hooks(spec),
    annotations: annotationsOf(spec),
    linux: linuxSpec(linux),
  };
}

/** `annotations`: a key must not be empty (config.md, "Annotations"). */
function annotationsOf(spec: JsonObject): ReadonlyMap<string, string> {
  const annotations = spec.stringMap('annotations');
  if (annotations.has('')) throw invalidArgument('annotations', 'a key must not be empty');
  return annotations;
}

/**
 * Reads a bundle's `config.json` (runtime-spec 1.2). Paths come out absolute, numbers exact. Throws `invalid_argument`, or
 * `unimplemented` for what nobody can honour here, naming the path in the document. Judgement of what the values mean together
 * is left to `validateSpec(spec, bundleRules)`.
 */
export function specFromJson(text: string, facts: BundleFacts, name = 'config.json'): ReadResult<Spec> {
  return readJson(text, name, (session, document) => ({
    value: readSpec(session, document, name, facts),
    warnings: session.warnings,
  }));
}

/** Reads the `process` object of `exec --process`. What it leaves out is undefined and taken from the container. */
export function processFromJson(text: string, name = 'process.json'): ReadResult<ProcessSpec> {
  return readJson(text, name, (session, document) => ({
    value: processSpec(new JsonObject(session, document, processKeys, undefined, name)),
    warnings: session.warnings,
  }));
}

/** Reads the `resources` object of `update --resources`. */
export function resourcesFromJson(text: string, name = 'resources.json'): ReadResult<Resources> {
  return readJson(text, name, (session, document) => ({
    value: resourcesOf(new JsonObject(session, document, resourceKeys, undefined, name)),
    warnings: session.warnings,
  }));
}
