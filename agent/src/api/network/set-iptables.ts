import type { AgentHandler } from '../handler.ts';

/** SetIPTables (boot contract, 8.8): hands rules to `iptables-restore` or `ip6tables-restore` of the image. */
export const setIptables: AgentHandler<'SetIPTables'> = async (context, request, call) => {
  const network = await context.guest.network();
  return { data: await network.setIptables(request.is_ipv6, request.data, call.signal) };
};
