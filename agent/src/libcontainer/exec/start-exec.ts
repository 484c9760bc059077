import { DomainError, wrapError } from '../../base/errors.ts';
import { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { NamespaceType } from '../../oci/spec.ts';
import { validateProcess } from '../../oci/validate-process.ts';
import type { Fd } from '../../sys/fd.ts';
import { sendMessage } from '../../sys/socket.ts';
import { Container } from '../launch/container.ts';
import { launchProcess } from '../launch/launch-process.ts';
import { sharesNamespace } from '../launch/namespace-descriptor.ts';
import { processFacts } from '../launch/process-facts.ts';
import { compileExec } from '../plan/compile-exec.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { InheritedDescriptors } from '../plan/inherited-descriptors.ts';
import type { ContainerHandle, ContainerProcess, ExecConfig, LaunchContext } from '../types.ts';
import { execCgroups } from './exec-cgroups.ts';

const execDeadlineMs = 60_000;

/** The pinned namespaces that differ from the agent's own; joining those again would only need rights for nothing. */
function joinsOf(container: ContainerHandle): Partial<Record<NamespaceType, Fd>> {
  const join: Partial<Record<NamespaceType, Fd>> = {};
  for (const type of ['uts', 'ipc', 'network', 'cgroup', 'mount'] as const) {
    const fd = container.namespaces[type];
    if (!sharesNamespace(fd, type)) join[type] = fd;
  }
  return join;
}

async function launch(context: LaunchContext, container: Container, config: ExecConfig): Promise<ContainerProcess> {
  await using scope = new Scope();
  const { process } = config;
  const descriptors = new InheritedDescriptors<Fd>();
  const facts = { ...processFacts(context), container: container.spec.process };
  const plan = compileExec(process, facts, joinsOf(container), container.root, descriptors);
  const initPid = container.init.exitStatus === undefined ? container.init.pid : undefined;
  const launched = await launchProcess(context, {
    plan,
    isTerminal: process.terminal,
    cloneFlags: 0,
    cgroups: container.cgroup === undefined ? [] : execCgroups(scope, container.cgroup, initPid),
    pidNamespace: sharesNamespace(container.namespaces.pid, 'pid') ? undefined : container.namespaces.pid,
    inherited: descriptors.sources,
    deadlineMs: config.deadlineMs ?? execDeadlineMs,
    signal: config.signal,
    onCreated: () => undefined,
  });
  container.adoptExec(launched.process);
  using gate = launched.gate;
  try {
    sendMessage(gate, encodeMessage({ type: 'start' }));
  } catch (error) {
    // Killed between ready and start: the caller gets the process and its exit status.
    if (!isSysError(error, 'EPIPE')) throw error;
  }
  return launched.process;
}

/**
 * Starts a further process in a created or running container: it joins the namespaces pinned at the container's creation and
 * its cgroup. Settles when it is about to execute its program; rejects with a DomainError when it could not get that far.
 */
export async function startExec(
  context: LaunchContext,
  container: ContainerHandle,
  config: ExecConfig,
): Promise<ContainerProcess> {
  if (!(container instanceof Container)) throw new TypeError('startExec needs a container made by createContainer');
  validateProcess(config.process);
  container.assertAllows('exec');
  try {
    return await launch(context, container, config);
  } catch (error) {
    if (error instanceof DomainError || isSysError(error)) throw wrapError(`exec ${config.execId}`, error);
    throw error;
  }
}
