import type { AgentHandler } from '../handler.ts';
import { AGENT_VERSION } from '../version.ts';

/** GetGuestDetails (boot contract, section 9). */
export const getGuestDetails: AgentHandler<'GetGuestDetails'> = (context, request) => ({
  mem_block_size_bytes: request.mem_block_size ? context.guest.memoryBlockSizeBytes() : 0n,
  support_mem_hotplug_probe: request.mem_hotplug_probe && context.guest.supportsMemoryProbe(),
  agent_details: {
    version: AGENT_VERSION,
    init_daemon: context.isPid1,
    device_handlers: [],
    storage_handlers: context.storageDrivers,
    supports_seccomp: true,
    extra_features: context.policy === undefined ? [] : ['agent-policy'],
  },
});
