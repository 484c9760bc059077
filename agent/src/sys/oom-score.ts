/** The OOM killer's regard for this process (proc_pid_oom_score_adj(5)). */
import { isSysError } from '../base/sys-error.ts';
import { writeFile } from './file.ts';

const file = '/proc/self/oom_score_adj';

let isProtected = false;

/** Keeps the OOM killer from this process. Needs CAP_SYS_RESOURCE. Children inherit it: see `giveUpProtection`. */
export function protectFromOomKiller(): void {
  writeFile(file, '-1000');
  isProtected = true;
}

/**
 * Runs `make`, a clone3 that gives `'child'` in the child, without the protection: a child that is born into a cgroup with too little memory
 * would live on there, unable to get a page and not to be killed (the kernel goes on trying).
 */
export function makeUnprotected<T>(make: () => T): T {
  if (!isProtected) return make();
  writeFile(file, '0');
  let made: T | undefined;
  try {
    made = make();
    return made;
  } finally {
    if (made !== 'child') writeFile(file, '-1000');
  }
}

/** For a child that becomes another program: only we ourselves are protected. Raising needs no rights. */
export function giveUpProtection(): void {
  if (!isProtected) return;
  try {
    writeFile(file, '0');
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
