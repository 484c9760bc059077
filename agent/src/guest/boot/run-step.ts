import { wrapError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { exists, mkdirAll, readText, symlink, unlink } from '../../sys/file.ts';
import { mount } from '../../sys/mount.ts';
import { sethostname, setsid } from '../../sys/process.ts';
import { setControllingTerminal } from '../../sys/terminal.ts';
import { loadListedModules } from '../modules/load-modules.ts';
import { setLinkUp } from '../../sys/link-flags.ts';
import { CGROUP_ROOT, describeStep, type BootStep } from './boot-plan.ts';
import { hostnameFrom } from './hostname.ts';
import { openStandardStreams } from './open-standard-streams.ts';
import { prepareCgroup } from './prepare-cgroup.ts';
import { parseProcMounts } from './proc-mounts.ts';

/** Carries out one step. A failure of a required one is thrown with its name; that of another one is logged. */
export function runStep(step: BootStep, log: Logger): void {
  try {
    execute(step, log);
  } catch (error) {
    const failure = wrapError(`boot: ${describeStep(step)}`, error);
    if (step.isRequired) throw failure;
    log.warn('boot step failed', { step: describeStep(step), error: String(error) });
  }
}

function execute(step: BootStep, log: Logger): void {
  switch (step.kind) {
    case 'mount':
      return mountUnlessThere(step);
    case 'link':
      return replaceByLink(step.path, step.to);
    case 'standard-streams':
      return openStandardStreams();
    case 'load-modules':
      return void loadListedModules(log);
    case 'session':
      return beginSession();
    case 'hostname':
      return sethostname(hostnameFrom(tryReadText('/etc/hostname')));
    case 'cgroup':
      return exists(`${CGROUP_ROOT}/cgroup.controllers`) ? prepareCgroup(log) : undefined;
    case 'loopback':
      return setLinkUp('lo');
  }
}

/** mkdir and mount; nothing when the table lists that path with that type already (contract 2.2). */
function mountUnlessThere(step: Extract<BootStep, { kind: 'mount' }>): void {
  const rows = parseProcMounts(tryReadText('/proc/self/mounts') ?? '');
  if (rows.some((row) => row.target === step.target && row.fstype === step.fstype)) return;
  mkdirAll(step.target);
  mount(step.source, step.target, step.fstype, step.flags, step.data);
}

function replaceByLink(path: string, to: string): void {
  try {
    unlink(path);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
  symlink(to, path);
}

/** A session of our own, with the console as its terminal if it is one; a VM without console has neither. */
function beginSession(): void {
  try {
    setsid();
  } catch (error) {
    // Leader already: whoever executed us did it.
    if (!isSysError(error, 'EPERM')) throw error;
  }
  const console = new Fd(0, 'console');
  try {
    setControllingTerminal(console, true);
  } catch (error) {
    if (!isSysError(error)) throw error;
  } finally {
    console.release();
  }
}

function tryReadText(path: string): string | undefined {
  try {
    return readText(path);
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
}
