import type { AgentClient } from '../client/agent-client.ts';
import { SHARE_TAG } from '../vm/virtual-machine.ts';
import { SANDBOX_SHM } from './container-spec.ts';
import { GUEST_SHARE } from './volume.ts';

/** Size of the sandbox's /dev/shm in bytes, as Kata's host has it. */
const SHM_BYTES = 64 * 1024 * 1024;

/** What GetGuestDetails says about the agent. */
export interface GuestDetails {
  readonly agentVersion: string;
  readonly storageHandlers: readonly string[];
}

/**
 * Opens the sandbox in a booted VM with the calls of Kata's host: Check, CreateSandbox with the shared directory and
 * /dev/shm, GetGuestDetails.
 *
 * @throws RpcError
 */
export async function openSandbox(
  client: AgentClient,
  options: { readonly sandboxId: string; readonly hostname: string; readonly hasShare: boolean },
  signal?: AbortSignal,
): Promise<GuestDetails> {
  const call = signal === undefined ? {} : { signal };
  await client.check(call);
  const share = { driver: 'virtio-fs', source: SHARE_TAG, fstype: 'virtiofs', mount_point: GUEST_SHARE, options: [] };
  const shm = {
    driver: 'ephemeral',
    source: 'shm',
    fstype: 'tmpfs',
    mount_point: SANDBOX_SHM,
    options: ['noexec', 'nosuid', 'nodev', 'mode=1777', `size=${SHM_BYTES}`],
  };
  await client.call(
    'CreateSandbox',
    {
      hostname: options.hostname,
      sandbox_id: options.sandboxId,
      storages: options.hasShare ? [share, shm] : [shm],
    },
    call,
  );
  const details = await client.call('GetGuestDetails', { mem_block_size: true, mem_hotplug_probe: true }, call);
  return {
    agentVersion: details.agent_details?.version ?? '',
    storageHandlers: details.agent_details?.storage_handlers ?? [],
  };
}
