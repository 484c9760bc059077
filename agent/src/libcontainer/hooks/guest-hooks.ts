import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { HookSpec, HooksSpec, Spec } from '../../oci/spec.ts';
import { isDirectory, isRegular, open, readDirectoryFd, stat } from '../../sys/file.ts';
import { O_DIRECTORY, O_RDONLY } from '../../abi/constants.ts';

/** The points that a guest's image may have hooks for; each is a folder of that name (contract, lifecycle section 10). */
const points = ['prestart', 'poststart', 'poststop'] as const;

/** Hooks of the guest's image, which run for every container. */
export type GuestHooks = Pick<HooksSpec, (typeof points)[number]>;

/** More programs for one point would only keep every container waiting. */
const maxHooks = 100;
/** Any of the three execute bits. */
const executable = 0o111;

/**
 * The executables in `<path>/{prestart,poststart,poststop}`, by name, so that an image decides their order. Links and what is not a regular
 * file are passed over. A folder that is not there or cannot be read has none: hooks of an image never keep a sandbox from being made.
 */
export function findGuestHooks(path: string, log: Logger): GuestHooks {
  const hooks = { prestart: [] as HookSpec[], poststart: [] as HookSpec[], poststop: [] as HookSpec[] };
  // A relative path would mean something else wherever the agent happens to be.
  if (!path.startsWith('/')) {
    log.warn('guest hooks: the path is not absolute', { path });
    return hooks;
  }
  for (const point of points) {
    try {
      hooks[point].push(...executablesOf(`${path}/${point}`, point, log));
    } catch (error) {
      log.debug('guest hooks: none', { point, error: describeError(error) });
    }
  }
  return hooks;
}

function executablesOf(folder: string, point: string, log: Logger): HookSpec[] {
  using directory = open(folder, O_RDONLY | O_DIRECTORY);
  const found = readDirectoryFd(directory)
    .map(({ name }) => name)
    .sort()
    .filter((name) => {
      const node = stat(name, { at: directory, nofollow: true });
      if (isRegular(node) && (node.mode & executable) !== 0) return true;
      if (!isDirectory(node)) log.warn('guest hooks: passed over, no executable file', { file: `${folder}/${name}` });
      return false;
    })
    .map((name): HookSpec => ({ path: `${folder}/${name}`, args: [name, point], env: [], timeout: undefined }));
  if (found.length > maxHooks)
    log.warn('guest hooks: too many, the first are taken', { point, found: found.length, taken: maxHooks });
  return found.slice(0, maxHooks);
}

/** The container's spec with the guest's hooks after its own. Upstream leaves them out as soon as the spec has hooks at all. */
export function withGuestHooks(spec: Spec, guest: GuestHooks): Spec {
  const hooks = { ...spec.hooks };
  for (const point of points) hooks[point] = [...spec.hooks[point], ...guest[point]];
  return { ...spec, hooks };
}
