import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildError, reasonOf } from '../build-error.ts';
import { untilExit } from './until-exit.ts';

/** How often a waiting build looks whether it is its turn. */
const POLL_MS = 100;

/** Held while one process makes an entry of the cache. */
export interface CacheLock extends Disposable {
  readonly path: string;
}

/** What waiting needs. */
export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Told once when another build holds the lock. */
  readonly onWait?: (pid: number) => void;
}

/**
 * Takes the lock `path`, waiting for a build that has it. It is a symlink to pid and start time of its process, because a symlink
 * has its text from the first moment on: a build that is killed leaves no lock of nobody. One whose process is gone is taken over.
 * Throws the reason of `signal`, or BuildError when the folder cannot be written.
 */
export async function acquireCacheLock(path: string, options: LockOptions = {}): Promise<CacheLock> {
  const own = `${process.pid} ${startTimeOf(process.pid)} ${randomBytes(6).toString('hex')}`;
  mkdir(path);
  for (let isTold = false; ;) {
    options.signal?.throwIfAborted();
    if (tryCreate(path, own)) break;
    const holder = read(path);
    const [pid = '0', start = ''] = holder.split(' ');
    if (holder !== '' && (start === '' || startTimeOf(Number(pid)) !== start)) {
      takeAway(path, holder);
      continue;
    }
    if (!isTold) options.onWait?.(Number(pid));
    isTold = true;
    await sleep(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      () => undefined,
    );
  }
  const release = (): void => {
    if (read(path) === own) rmSync(path, { force: true });
  };
  return { path, ...untilExit(release) };
}

function mkdir(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new BuildError(`cache: create ${dirname(path)}: ${reasonOf(error)}`, error);
  }
}

function tryCreate(path: string, text: string): boolean {
  try {
    symlinkSync(text, path);
    return true;
  } catch (error) {
    if (reasonOf(error) === 'EEXIST') return false;
    throw new BuildError(`cache: write ${path}: ${reasonOf(error)}`, error);
  }
}

/** The holder, or "" when it just went away. */
function read(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return reasonOf(error) === 'EINVAL' ? 'a file, the form of older versions' : '';
  }
}

/** Removes a dead holder's file. Of several builds that try, one moves it away; what it moved must still be the dead one's. */
function takeAway(path: string, holder: string): void {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // another build was faster
  }
  const moved = read(aside);
  // A third build may have taken the lock between our look and our move: it gets it back.
  if (moved !== holder) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

/** Start time of a process in clock ticks (field 22 of proc_pid_stat(5)), or "" when it has ended. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? '' : (fields[18] ?? '');
  } catch {
    return '';
  }
}
