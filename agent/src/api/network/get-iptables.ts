import type { AgentHandler } from '../handler.ts';

/** GetIPTables (boot contract, 8.8): what `iptables-save` or `ip6tables-save` of the image prints. */
export const getIptables: AgentHandler<'GetIPTables'> = async (context, request, call) => {
  const network = await context.guest.network();
  return { data: await network.getIptables(request.is_ipv6, call.signal) };
};
