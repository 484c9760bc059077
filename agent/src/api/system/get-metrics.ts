import type { AgentHandler } from '../handler.ts';

/** GetMetrics (boot contract, section 7). */
export const getMetrics: AgentHandler<'GetMetrics'> = async (context) => {
  const metrics = await context.guest.metrics();
  return { metrics: await metrics.collect() };
};
