import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from '../../../abi/constants.ts';
import { isSysError } from '../../../base/sys-error.ts';
import type { Fd } from '../../../sys/fd.ts';
import {
  chown,
  fchmod,
  fchown,
  fstat,
  isRegular,
  mkdir,
  open,
  openAt,
  rename,
  stat,
  symlink,
  truncate,
  writeAll,
} from '../../../sys/file.ts';
import { openBeneath } from '../../files/open-beneath.ts';
import { removeTreeAt } from '../../files/remove-tree.ts';
import type { SeenEntry, SyncPlan } from './plan-sync.ts';
import { readSourceFile, STAY_INSIDE } from './read-source.ts';

/** The source and its copy: the directories that hold them, and their names there. */
export interface SyncPlaces {
  readonly source: { readonly parent: Fd; readonly name: string };
  readonly target: { readonly parent: Fd; readonly name: string };
}

/** Beside what it will replace. No source has such a name: it is too long for a Kubernetes key. */
const TEMPORARY = `.${'replaced-by-the-agent-'.repeat(11)}`;

/** The directory that holds an entry of the copy or the source, and the entry's name there. Nothing is followed on the way. */
function place(root: SyncPlaces['source'], path: string): { parent: Fd; name: string } & Disposable {
  const parts = [root.name, ...path.split('/').filter((part) => part !== '')];
  const name = parts.pop() ?? '';
  const parent =
    parts.length === 0
      ? openBeneath(root.parent, '.', O_DIRECTORY)
      : openBeneath(root.parent, parts.join('/'), O_DIRECTORY);
  return { parent, name, [Symbol.dispose]: () => parent.close() };
}

/** Makes the copy like the source (a container may have written into it: nothing in it is trusted). Throws SysError. */
export function applySync(plan: SyncPlan, places: SyncPlaces): void {
  for (const path of plan.replace) removeEntry(places, path);
  for (const entry of plan.copy) copyEntry(entry, places);
  for (const path of plan.remove) removeEntry(places, path);
}

function removeEntry(places: SyncPlaces, path: string): void {
  try {
    using at = place(places.target, path);
    using parent = open('.', O_RDONLY | O_DIRECTORY, 0, at.parent);
    removeTreeAt(parent, at.name);
  } catch (error) {
    // Its directory is gone, and so is it.
    if (!isSysError(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}

function copyEntry(entry: SeenEntry, places: SyncPlaces): void {
  try {
    using from = place(places.source, entry.path);
    using to = place(places.target, entry.path);
    if (entry.kind === 'directory') copyDirectory(from, to);
    else if (entry.kind === 'link') copyLink(entry.stamp, from, to);
    else copyFile(from, to);
  } catch (error) {
    // It vanished from the source meanwhile: the next look tells.
    if (!isSysError(error, 'ENOENT')) throw error;
  }
}

type Place = ReturnType<typeof place>;

function copyDirectory(from: Place, to: Place): void {
  const { mode, uid, gid } = stat(from.name, { at: from.parent, nofollow: true });
  try {
    mkdir(to.name, 0o700, to.parent);
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
  }
  using fd = openAt(to.parent, to.name, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: STAY_INSIDE });
  fchmod(fd, mode & 0o7777);
  fchown(fd, uid, gid);
}

/** In one step, as the kubelet does it: who watches the directory sees the link change, never without it. */
function copyLink(text: string, from: Place, to: Place): void {
  const { uid, gid } = stat(from.name, { at: from.parent, nofollow: true });
  using parent = open('.', O_RDONLY | O_DIRECTORY, 0, to.parent);
  removeTreeAt(parent, TEMPORARY);
  symlink(text, TEMPORARY, to.parent);
  chown(TEMPORARY, uid, gid, { at: to.parent, nofollow: true });
  rename(TEMPORARY, to.name, { fromAt: to.parent, toAt: to.parent });
}

/** Into the file that is there, which a container may have bound; cut last, so that a reader never sees it empty. */
function copyFile(from: Place, to: Place): void {
  const { content, state } = readSourceFile(from.parent, from.name);
  using fd = openTarget(to);
  writeAll(fd, content);
  truncate(fd, content.length);
  fchown(fd, state.uid, state.gid);
  fchmod(fd, state.mode & 0o7777);
}

function openTarget(to: Place): Fd {
  try {
    const flags = O_WRONLY | O_NONBLOCK | O_NOFOLLOW;
    const fd = openAt(to.parent, to.name, { flags, resolve: STAY_INSIDE });
    if (isRegular(fstat(fd))) return fd;
    fd.close();
  } catch (error) {
    if (!isSysError(error, 'ENOENT', 'ELOOP', 'EISDIR', 'ENXIO')) throw error;
  }
  // Nothing, or something that a container put there.
  using parent = open('.', O_RDONLY | O_DIRECTORY, 0, to.parent);
  removeTreeAt(parent, to.name);
  return openAt(to.parent, to.name, {
    flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
    mode: 0o600,
    resolve: STAY_INSIDE,
  });
}

/** O_PATH descriptor of what a place names. */
export function openPlace({ parent, name }: SyncPlaces['source']): Fd {
  return openAt(parent, name, { flags: O_PATH | O_NOFOLLOW, resolve: STAY_INSIDE });
}
