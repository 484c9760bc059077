import type { Logger } from '../../base/log.ts';
import { describeError } from '../../base/errors.ts';
import type { AgentConfig } from '../../guest/config/agent-config.ts';
import type { DeviceWaiters } from '../../guest/device/device-waiters.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import { addNeighbours } from '../../guest/network/add-neighbours.ts';
import { getIptables, setIptables } from '../../guest/network/iptables.ts';
import { setHardwareAddress, requireLink } from '../../guest/network/links.ts';
import { listInterfaces, listRoutes } from '../../guest/network/list-network.ts';
import type { NetworkServices } from '../../guest/network/network-services.ts';
import { updateInterface } from '../../guest/network/update-interface.ts';
import { updateRoutes } from '../../guest/network/update-routes.ts';
import { waitForInterface } from '../../guest/network/wait-for-interface.ts';
import type { EventLoop } from '../../sys/loop.ts';
import type { Reaper } from '../../sys/reaper.ts';
import { RouteSocket } from '../../sys/route-socket.ts';

interface Parts {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  readonly config: AgentConfig;
  readonly waiters: () => DeviceWaiters;
}

/** The network of the sandbox, which is the agent's own. Each request has a socket of its own and leaves none behind. */
export function createNetworkServices(parts: Parts): NetworkServices {
  const log = parts.log.child('network');
  return {
    async updateInterface(request, signal) {
      const { devicePath, hardwareAddress } = request;
      if (devicePath !== undefined) {
        const { hotplugTimeoutMs } = parts.config;
        const found = await waitForInterface(sysKernelFiles, parts.waiters(), devicePath, hotplugTimeoutMs, signal);
        if (!found.isVirtio) {
          // A passed-through card has an address of its own until the host's is set.
          using socket = RouteSocket.open();
          try {
            setHardwareAddress(socket, requireLink(socket, found.name), hardwareAddress);
          } catch (error) {
            log.warn('hardware address not set', { interface: found.name, error: describeError(error) });
          }
        }
      }
      using socket = RouteSocket.open();
      await updateInterface({ socket, files: sysKernelFiles, log }, request);
    },
    updateRoutes(requests) {
      using socket = RouteSocket.open();
      updateRoutes(socket, requests);
      return listRoutes(socket);
    },
    listInterfaces() {
      using socket = RouteSocket.open();
      return listInterfaces(socket);
    },
    listRoutes() {
      using socket = RouteSocket.open();
      return listRoutes(socket);
    },
    addNeighbours(requests) {
      using socket = RouteSocket.open();
      addNeighbours(socket, requests);
    },
    getIptables: (isIpv6, signal) => getIptables(parts, isIpv6, signal),
    setIptables: (isIpv6, rules, signal) => setIptables(parts, isIpv6, rules, signal),
  };
}
