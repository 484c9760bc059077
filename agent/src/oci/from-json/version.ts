import type { JsonObject } from './json-object.ts';
import { quote } from './json-place.ts';

const semanticVersion = /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** `ociVersion`: a semantic version, of major version 1, whose later minor versions add but do not change (config.md). */
export function ociVersion(spec: JsonObject): string {
  const version = spec.requiredString('ociVersion');
  const major = version.length > 255 ? undefined : semanticVersion.exec(version)?.[1];
  if (major === undefined) throw spec.error('ociVersion', `${quote(version)} is not a semantic version`);
  if (major !== '1') throw spec.error('ociVersion', `version ${version} is not supported, only 1.x is`);
  return version;
}
