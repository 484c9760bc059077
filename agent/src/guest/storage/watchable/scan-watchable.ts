import { MS_BIND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_WRONLY } from '../../../abi/constants.ts';
import { isSysError } from '../../../base/sys-error.ts';
import type { Fd } from '../../../sys/fd.ts';
import { fstat, isDirectory, mkdir, open, openAt } from '../../../sys/file.ts';
import { mount } from '../../../sys/mount.ts';
import { openBeneath } from '../../files/open-beneath.ts';
import type { MountPoint } from '../mount-point.ts';
import { applySync, openPlace, type SyncPlaces } from './apply-sync.ts';
import { isTooLarge, planSync, type SeenEntry } from './plan-sync.ts';
import { readSource, STAY_INSIDE } from './read-source.ts';

/** What a look at one source came to. Survives JSON. */
export type ScanResult =
  | { readonly kind: 'copied'; readonly tracked: readonly SeenEntry[] }
  /** It was too large and is bound in the place of its copy, for good. */
  | { readonly kind: 'bound' };

function openParent(place: MountPoint): Fd {
  using base = open(place.base, O_PATH | O_DIRECTORY);
  const above = place.parts.slice(0, -1);
  return openBeneath(base, above.length === 0 ? '.' : above.join('/'), O_DIRECTORY);
}

/** What is bound needs a place of its own kind. */
function ensurePlace({ target }: SyncPlaces, isFolder: boolean): void {
  try {
    if (isFolder) mkdir(target.name, 0o755, target.parent);
    else {
      const flags = O_WRONLY | O_CREAT | O_NOFOLLOW;
      openAt(target.parent, target.name, { flags, mode: 0o644, resolve: STAY_INSIDE }).close();
    }
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
  }
}

function bind(places: SyncPlaces, source: Fd): void {
  ensurePlace(places, isDirectory(fstat(source)));
  using target = openPlace(places.target);
  mount(`/proc/self/fd/${source.number}`, `/proc/self/fd/${target.number}`, '', MS_BIND);
}

/**
 * Looks at a source once and makes its copy the same (contract storage section 12). Straight-line, for a child: the share
 * may hang. Throws SysError; what was copied by then is copied again at the next look.
 */
export function scanWatchable(source: MountPoint, target: MountPoint, tracked: readonly SeenEntry[]): ScanResult {
  using from = openParent(source);
  using to = openParent(target);
  const places: SyncPlaces = {
    source: { parent: from, name: source.parts.at(-1) ?? '' },
    target: { parent: to, name: target.parts.at(-1) ?? '' },
  };
  using root = openPlace(places.source);
  const seen = readSource(root);
  if (isTooLarge(seen)) {
    bind(places, root);
    return { kind: 'bound' };
  }
  applySync(planSync(tracked, seen), places);
  return { kind: 'copied', tracked: seen };
}
