import { DomainError, wrapError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { isSysError } from '../base/sys-error.ts';
import { decodeUtf8 } from '../base/text.ts';
import { specFromJson } from '../oci/from-json/spec-from-json.ts';
import { ineffectiveOnBind } from '../libcontainer/plan/mount-options.ts';
import type { Spec } from '../oci/spec.ts';
import { bundleRules } from '../oci/spec-rules.ts';
import { validateSpec } from '../oci/validate.ts';
import { readFile } from '../sys/file.ts';
import { withInheritedNetwork } from './inherited-network.ts';

/** A configuration is text for people; one larger than this is something else. */
const maxConfigBytes = 16 << 20;

export interface Bundle {
  /** Absolute. */
  readonly path: string;
  readonly spec: Spec;
  /** `config.json` as it was read. */
  readonly config: Uint8Array;
}

/** As runc: what has no effect on a bind mount does not keep a container from starting. It is said. */
function withEffectiveOptions(spec: Spec, log: Logger): Spec {
  const mounts = spec.mounts.map((mount, index) => {
    const ignored = mount.type === 'bind' ? ineffectiveOnBind(mount.options) : [];
    if (ignored.length === 0) return mount;
    for (const option of ignored)
      log.warn(`mounts[${index}].options: ${JSON.stringify(option)} has no effect on a bind mount`);
    return { ...mount, options: mount.options.filter((option) => !ignored.includes(option)) };
  });
  return mounts.every((mount, index) => mount === spec.mounts[index]) ? spec : { ...spec, mounts };
}

/** Reads and checks `<path>/config.json`: whatever is wrong with it is said before anything is made. */
export function readBundle(path: string, log: Logger): Bundle {
  const file = `${path}/config.json`;
  let config: Uint8Array;
  try {
    config = readFile(file, { maxBytes: maxConfigBytes });
  } catch (error) {
    if (isSysError(error, 'ENOENT'))
      throw new DomainError('not_found', `JSON specification file ${file} not found`, error);
    throw wrapError('read the configuration', error);
  }
  const text = decodeUtf8(config);
  if (text === undefined) throw new DomainError('invalid_argument', `${file} is not UTF-8`);
  const { value, warnings } = specFromJson(text, { bundle: path });
  const spec = withEffectiveOptions(withInheritedNetwork(value), log);
  for (const warning of [...warnings, ...validateSpec(spec, bundleRules)]) log.warn(warning);
  return { path, spec, config };
}
