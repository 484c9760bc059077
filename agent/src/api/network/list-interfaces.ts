import type { AgentHandler } from '../handler.ts';
import { interfaceToProto } from './network-to-proto.ts';

/** ListInterfaces (boot contract, 8.4). */
export const listInterfaces: AgentHandler<'ListInterfaces'> = async (context) => {
  const network = await context.guest.network();
  return { Interfaces: network.listInterfaces().map(interfaceToProto) };
};
