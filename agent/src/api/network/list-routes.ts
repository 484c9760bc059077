import type { AgentHandler } from '../handler.ts';
import { routeToProto } from './network-to-proto.ts';

/** ListRoutes (boot contract, 8.5): the main table. */
export const listRoutes: AgentHandler<'ListRoutes'> = async (context) => {
  const network = await context.guest.network();
  return { Routes: network.listRoutes().map(routeToProto) };
};
