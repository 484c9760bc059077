import { NSFS_MAGIC, O_PATH } from '../abi/constants.ts';
import { isSysError } from '../base/sys-error.ts';
import { sharesNamespace } from '../libcontainer/launch/namespace-descriptor.ts';
import type { Spec } from '../oci/spec.ts';
import { open } from '../sys/file.ts';
import { fstatfs } from '../sys/statfs.ts';

/** `path` is the network namespace of this command. What cannot be looked at is judged when it is joined. */
function isOwnNetwork(path: string): boolean {
  try {
    using place = open(path, O_PATH);
    return fstatfs(place).type === NSFS_MAGIC && sharesNamespace(place, 'network');
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/**
 * `spec`, where a network namespace that is joined by path and is this command's own is not mentioned: it is inherited, and so
 * what takes a namespace of the container's own, such as `net.*` sysctls, is refused. Docker names the machine's network that way
 * (`--network host`). Other types stay an error (CGN-08).
 */
export function withInheritedNetwork(spec: Spec): Spec {
  const { namespaces } = spec.linux;
  const kept = namespaces.filter(({ type, path }) => type !== 'network' || path === undefined || !isOwnNetwork(path));
  return kept.length === namespaces.length ? spec : { ...spec, linux: { ...spec.linux, namespaces: kept } };
}
