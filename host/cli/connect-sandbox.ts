import { userInfo } from 'node:os';
import { AgentClient } from '../client/agent-client.ts';
import { AGENT_PORT } from '../sdk/sandbox.ts';
import type { StateStore } from '../sdk/state-store.ts';
import { type SandboxRecord } from '../sdk/state-store.ts';
import { HostError } from '../vm/host-error.ts';
import { dialUnix } from '../vm/stream-dial.ts';
import { dialVsock } from '../vm/vsock-transport.ts';

/** Limit for reaching the agent of a VM that runs already, in ms. */
const DIAL_TIMEOUT_MS = 10_000;

/** Refuses anybody but root, who owns the sockets. @throws HostError */
export function requireRoot(): void {
  if (userInfo().uid !== 0) throw new HostError('must be run as root, to whom the sandboxes belong');
}

/** The named sandbox, or the only one that runs. @throws HostError */
export function selectSandbox(store: StateStore, name: string | undefined): SandboxRecord {
  if (name !== undefined) return store.get(name);
  const running = store.list().filter((record) => record.status === 'running');
  const [only] = running;
  if (only === undefined) throw new HostError('no sandbox is running', { hint: 'kihon run starts one' });
  if (running.length > 1) {
    throw new HostError(`several sandboxes are running: ${running.map((record) => record.name).join(', ')}; name one`);
  }
  return only;
}

/** Connects to the agent of a running sandbox. @throws HostError */
export async function connectSandbox(record: SandboxRecord, signal?: AbortSignal): Promise<AgentClient> {
  if (record.status !== 'running' || record.vsock === undefined) {
    const state = record.status === 'exited' ? `has exited with code ${record.exitCode}` : 'is still starting';
    throw new HostError(`sandbox ${record.name} ${state}`);
  }
  return new AgentClient(await dialVsock(record.vsock, AGENT_PORT, { timeoutMs: DIAL_TIMEOUT_MS, signal }));
}

/** Connects to an agent that runs as a plain process, at `unix://PATH`. @throws HostError */
export async function connectAddress(address: string): Promise<AgentClient> {
  const path = /^unix:\/\/(\/.+)$/.exec(address)?.[1];
  if (path === undefined) throw new HostError(`${address} is no address`, { hint: 'unix:///PATH' });
  return new AgentClient(await dialUnix(path, { timeoutMs: DIAL_TIMEOUT_MS }));
}
