import { randomUUID } from 'node:crypto';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { processSpec, type ContainerOptions } from '../support/container/container-spec.ts';
import { benchRequest } from './container-under-test.ts';

/** Creates a container of the bench under a fresh id. */
export async function create(client: AgentClient, root: string, run?: ContainerOptions['run']): Promise<string> {
  const id = `bench-${randomUUID()}`;
  await client.call('CreateContainer', benchRequest(id, root, run));
  return id;
}

export async function start(client: AgentClient, id: string): Promise<void> {
  await client.call('StartContainer', { container_id: id });
}

/** Waits for a process. @throws Error when it did not succeed */
export async function awaitSuccess(client: AgentClient, id: string, execId = id): Promise<void> {
  const { status } = await client.call('WaitProcess', { container_id: id, exec_id: execId });
  if (status !== 0) throw new Error(`the process ended with status ${status}`);
}

export async function remove(client: AgentClient, id: string): Promise<void> {
  await client.call('RemoveContainer', { container_id: id });
}

/** One container from creation to removal. */
export async function runTrue(client: AgentClient, root: string): Promise<void> {
  const id = await create(client, root);
  await start(client, id);
  await awaitSuccess(client, id);
  await remove(client, id);
}

/** One more process in a container, to its end. */
export async function execTrue(client: AgentClient, id: string): Promise<void> {
  const execId = `exec-${randomUUID()}`;
  const process = processSpec({ run: ['/bin/true'] });
  await client.call('ExecProcess', { container_id: id, exec_id: execId, process });
  await awaitSuccess(client, id, execId);
}
