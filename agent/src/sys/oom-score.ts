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

/** For a child that becomes another program: only we ourselves are protected. Raising needs no rights. */
export function giveUpProtection(): void {
  if (!isProtected) return;
  try {
    writeFile(file, '0');
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
