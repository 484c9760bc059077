import { runtimeError } from './runtime-error.ts';

/** NAME_MAX: the id is the name of a directory and of a cgroup. */
const maxLength = 255;
const form = /^[A-Za-z0-9_+.-]+$/;

/** Checks an id before it becomes part of any path (API-01): runc's characters, no `.` or `..`, at most 255 bytes. */
export function checkContainerId(id: string): void {
  if (!form.test(id) || id === '.' || id === '..') {
    throw runtimeError('bad id', `${JSON.stringify(id.slice(0, 100))} (letters, digits and _ + . - only)`);
  }
  if (id.length > maxLength) throw runtimeError('bad id', `longer than ${maxLength} bytes`);
}

/** True for a name that can be a container's. */
export function isContainerId(id: string): boolean {
  return form.test(id) && id !== '.' && id !== '..' && id.length <= maxLength;
}
