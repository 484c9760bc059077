import { invalidArgument } from '../../base/errors.ts';
import { checkRoute } from '../../guest/network/update-routes.ts';
import type { AgentHandler } from '../handler.ts';
import { routeToProto } from './network-to-proto.ts';

/** Family of IPv6 on the wire; every other number means IPv4. */
const V6: number = 1;

/** UpdateRoutes (boot contract, 8.3): makes or replaces routes, removes none, and answers with all of them. */
export const updateRoutes: AgentHandler<'UpdateRoutes'> = async (context, request) => {
  if (request.routes === undefined) throw invalidArgument('routes', 'missing');
  const checked = request.routes.Routes.map((route, index) =>
    checkRoute(
      {
        destination: route.dest,
        gateway: route.gateway,
        device: route.device,
        source: route.source,
        scope: route.scope,
        isIpv6: route.family === V6,
        flags: route.flags,
        mtu: route.mtu,
      },
      `routes[${index}]`,
    ),
  );
  const network = await context.guest.network();
  return { Routes: network.updateRoutes(checked).map(routeToProto) };
};
