import { DomainError, wrapError } from '../../base/errors.ts';
import { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { NamespaceType } from '../../oci/spec.ts';
import { mayTrace } from '../../oci/may-trace.ts';
import { validateProcess } from '../../oci/validate-process.ts';
import type { Fd } from '../../sys/fd.ts';
import { readText } from '../../sys/file.ts';
import { sendMessage } from '../../sys/socket.ts';
import { Container } from '../launch/container.ts';
import { launchProcess } from '../launch/launch-process.ts';
import { sharesNamespace } from '../launch/namespace-descriptor.ts';
import type { LaunchedProcess } from '../launch/launched-process.ts';
import { hasPrivileges, processFacts } from '../launch/process-facts.ts';
import { followStart } from '../launch/start-gate.ts';
import { hostIdOf } from '../launch/user-namespace.ts';
import { compileExec } from '../plan/compile-exec.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { InheritedDescriptors } from '../plan/inherited-descriptors.ts';
import { loadFilter } from '../seccomp/load-filter.ts';
import { sendListener } from '../seccomp/send-listener.ts';
import { takeListener } from '../launch/take-listener.ts';
import type { ContainerProcess, ExecConfig, ExecTarget, LaunchContext } from '../types.ts';
import { execCgroups } from './exec-cgroups.ts';

const execDeadlineMs = 60_000;

/** The namespaces that differ from the caller's own; joining those again would only need rights for nothing. */
function joinsOf(target: ExecTarget): Partial<Record<NamespaceType, Fd>> {
  const join: Partial<Record<NamespaceType, Fd>> = {};
  for (const type of ['user', 'uts', 'ipc', 'network', 'cgroup', 'time', 'mount', 'pid'] as const) {
    const fd = target.namespaces[type];
    if (fd !== undefined && !sharesNamespace(fd, type)) join[type] = fd;
  }
  return join;
}

/** Whether setgroups(2) is allowed where the container's init is (user_namespaces(7)). */
function mayGroupsBeSet(pid: number | undefined): boolean {
  return pid === undefined || readText(`/proc/${pid}/setgroups`).trim() !== 'deny';
}

async function launch(context: LaunchContext, target: ExecTarget, config: ExecConfig): Promise<LaunchedProcess> {
  await using scope = new Scope();
  const { process } = config;
  const descriptors = new InheritedDescriptors<Fd>();
  const joins = joinsOf(target);
  const isPrivileged = hasPrivileges();
  if (target instanceof Container && mayTrace(process.capabilities)) target.expectTracer();
  const seccomp = await loadFilter(target.spec.linux.seccomp);
  const facts = {
    ...processFacts(context),
    seccomp,
    container: target.spec.process,
    shared: target.spec.linux,
    isPrivileged,
    setsGroups: joins.user === undefined || mayGroupsBeSet(target.initPid),
    keepsKeyring: config.noNewKeyring === true,
    isWatched: target.isWatched === true,
  };
  const plan = compileExec(process, facts, joins, target.root, descriptors);
  const goesOnInside = plan.steps.some((step) => step.do === 'go-on-inside');
  const { uidMappings, gidMappings } = target.spec.linux;
  const uid = hostIdOf(uidMappings, process.user.uid);
  const gid = hostIdOf(gidMappings, process.user.gid);
  const launched = await launchProcess(context, {
    plan,
    isTerminal: process.terminal,
    isDumpable: false,
    cloneFlags: 0,
    firstStage: [],
    cgroups: target.cgroup === undefined ? [] : execCgroups(scope, target.cgroup, target.initPid),
    pidNamespace: goesOnInside ? undefined : joins.pid,
    goesOnInside,
    inherited: descriptors.sources,
    listener: undefined,
    stdioOwner: isPrivileged && uid !== undefined && gid !== undefined ? { uid, gid } : undefined,
    config: takeListener(config, seccomp, (listener, pid) => {
      const place = { id: target.id, bundle: target.bundlePath ?? '' };
      sendListener(target.spec, { ...place, pid, initPid: target.initPid ?? 0, status: 'running' }, listener);
    }),
    deadlineMs: config.deadlineMs ?? execDeadlineMs,
    onNeed: () => undefined,
    onCreated: () => undefined,
    onBorn: () => true,
  });
  if (target instanceof Container) target.adoptExec(launched.process);
  using gate = launched.gate;
  try {
    if (!launched.isStarted) sendMessage(gate, encodeMessage({ type: 'start' }));
  } catch (error) {
    // Killed between ready and start: the caller gets the process and its exit status.
    if (!isSysError(error, 'EPIPE')) throw error;
  }
  if (context.rules.awaitsExecve) await followStart(context.loop, gate, () => undefined, config.signal);
  return launched.process;
}

/**
 * Starts a further process in a created or running container: it joins the namespaces pinned (or recorded) at the container's
 * creation and its cgroup. Settles when it is about to execute its program, or did (`awaitsExecve`); rejects with a DomainError
 * when it could not get that far. Whether the state of the container allows it is for the caller to know, unless `target` is a
 * handle.
 */
export async function startExec(
  context: LaunchContext,
  target: ExecTarget,
  config: ExecConfig,
): Promise<ContainerProcess> {
  validateProcess(config.process);
  if (target instanceof Container) target.assertAllows('exec');
  try {
    return await launch(context, target, config);
  } catch (error) {
    if (error instanceof DomainError || isSysError(error)) throw wrapError(`exec ${config.execId}`, error);
    throw error;
  }
}
