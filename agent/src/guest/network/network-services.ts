import type { AbortSignal } from '../../base/abort.ts';
import type { NeighbourRequest } from './add-neighbours.ts';
import type { InterfaceRequest } from './interface-request.ts';
import type { InterfaceInfo, RouteInfo } from './list-network.ts';
import type { RouteRequest } from './update-routes.ts';

/** What the API asks of the sandbox's network. Requests were checked. Failures are SysError or DomainError. */
export interface NetworkServices {
  /** Waits for the card when the request names one. */
  updateInterface(request: InterfaceRequest, signal: AbortSignal): Promise<void>;
  /** Gives all routes afterwards. */
  updateRoutes(requests: readonly RouteRequest[]): readonly RouteInfo[];
  listInterfaces(): readonly InterfaceInfo[];
  listRoutes(): readonly RouteInfo[];
  addNeighbours(requests: readonly NeighbourRequest[]): void;
  getIptables(isIpv6: boolean, signal: AbortSignal): Promise<Uint8Array>;
  setIptables(isIpv6: boolean, rules: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}
