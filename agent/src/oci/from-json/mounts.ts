import type { MountSpec } from '../spec.ts';
import { idMappings } from './id-mappings.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';
import { resolvePath } from './resolve-path.ts';

const keys = knownKeys('destination', 'type', 'source', 'options', 'uidMappings', 'gidMappings');

/** Version 1.0 of the specification allowed a relative destination and counted it from `/`, as runc still does. */
function destination(mount: JsonObject): string {
  const path = mount.requiredString('destination');
  if (path.startsWith('/')) return path;
  mount.warn('destination', `${JSON.stringify(path.slice(0, 80))} is not absolute; taken from /`);
  return `/${path}`;
}

/** `mounts` (config.md, "Mounts"). Relative sources of binds are counted from the bundle. */
export function mounts(spec: JsonObject, bundle: string): readonly MountSpec[] {
  return spec.objects('mounts', keys, (mount) => {
    const options = mount.strings('options');
    const given = mount.text('type');
    const isBind = options.includes('bind') || options.includes('rbind') || given === 'bind';
    // A remount changes what is there, of whatever type and source.
    const isRemount = options.includes('remount');
    const type = isBind ? 'bind' : (given ?? (isRemount ? 'none' : undefined));
    if (type === undefined) throw mount.error('type', 'missing');
    const source = mount.string('source') ?? '';
    if (isBind && source === '' && !isRemount) throw mount.error('source', 'missing');
    return {
      destination: destination(mount),
      type,
      source: isBind && source !== '' ? resolvePath(bundle, source) : source,
      options,
      uidMappings: idMappings(mount, 'uidMappings'),
      gidMappings: idMappings(mount, 'gidMappings'),
    };
  });
}
