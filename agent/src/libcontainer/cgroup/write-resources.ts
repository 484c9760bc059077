import { DomainError, wrapError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { exists, readText, writeFile } from '../../sys/file.ts';
import type { CgroupWrite } from './cgroup-write.ts';
import { isUnlimited } from './resource-plan.ts';

/** The cgroup whose files are written. */
export interface WriteTarget {
  readonly directory: Fd;
  /** For messages: below the mount point. */
  readonly path: string;
  readonly log: Logger;
  /** See `CgroupWrite.need`. */
  readonly isLenient: boolean;
  /** Why a controller is not there, for the message. */
  readonly whyMissing: (controller: string) => string;
}

/** What was in a file before, as the writes that bring it back. */
type Undo = readonly { readonly file: string; readonly value: string }[];

function leadingDevice(value: string): string | undefined {
  const word = value.split(' ')[0] ?? '';
  return value.includes(' ') && /^(\d+:\d+|[A-Za-z]\w*)$/.test(word) && word !== 'max' ? word : undefined;
}

/** Files with a line for each device get back the line of the device; one that had none had no limit. */
function undoOf(directory: Fd, { file, value }: CgroupWrite): Undo {
  let text: string;
  try {
    text = readText(file, { at: directory }).trim();
  } catch (error) {
    if (isSysError(error)) return [];
    throw error;
  }
  const device = leadingDevice(value);
  if (device === undefined) {
    const line = text.split('\n').find((each) => each.startsWith('default ')) ?? text;
    // An empty list is written as a line end: the kernel never sees a write of nothing.
    return [{ file, value: line === '' ? '\n' : line }];
  }
  const old = text.split('\n').find((line) => line.startsWith(`${device} `));
  if (old !== undefined) return [{ file, value: old }];
  const keys = [...value.matchAll(/ (\w+)=/g)].map(([, key]) => `${key}=max`);
  return [{ file, value: [device, ...(keys.length === 0 ? ['default'] : keys)].join(' ') }];
}

function writeOne(target: WriteTarget, write: CgroupWrite, hasController: boolean): void {
  const { directory, log, path } = target;
  const { file, value, controller, field, need } = write;
  const shrug = (reason: string): void =>
    log.warn('a resource setting had no effect', { cgroup: path, field, file, reason });
  if (!hasController) {
    if (isUnlimited(write)) return;
    const reason = target.whyMissing(controller);
    if (need !== 'hint') throw new DomainError('failed_precondition', `${field}: ${reason}`);
    shrug(reason);
    return;
  }
  if (need === 'optional' || need === 'if-present') {
    if (!exists(file, directory)) {
      if (need === 'if-present') shrug(`the kernel has no ${file}`);
      return;
    }
  }
  try {
    writeFile(file, value, { at: directory });
  } catch (error) {
    if (need !== 'hint' && !(need === 'lenient' && target.isLenient)) {
      if (isSysError(error, 'ENOENT', 'EACCES')) {
        const missing = `${field}: the kernel or its ${controller} controller has no file ${file}`;
        throw new DomainError('failed_precondition', missing, error);
      }
      throw wrapError(`${field}: ${JSON.stringify(value)} to ${file}`, error);
    }
    shrug(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Performs the writes in their order. With `isAtomic`, a failure brings back what the earlier ones replaced. Throws naming the
 * field, and the controller when that is what is missing.
 */
export function writeResources(target: WriteTarget, writes: readonly CgroupWrite[], isAtomic: boolean): void {
  if (writes.length === 0) return;
  const controllers = readText('cgroup.controllers', { at: target.directory }).split(/\s+/);
  const undos: Undo[] = [];
  try {
    for (const write of writes) {
      const hasController = controllers.includes(write.controller);
      const undo = isAtomic && hasController ? undoOf(target.directory, write) : [];
      writeOne(target, write, hasController);
      undos.push(undo);
    }
  } catch (error) {
    for (const { file, value } of undos.reverse().flat()) {
      try {
        writeFile(file, value, { at: target.directory });
      } catch (inner) {
        if (!isSysError(inner)) throw inner;
        target.log.warn('cannot restore a limit after a failed update', {
          cgroup: target.path,
          file,
          reason: inner.message,
        });
      }
    }
    throw error;
  }
}
