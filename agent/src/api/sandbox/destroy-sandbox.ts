import type { AgentHandler } from '../handler.ts';

/** DestroySandbox (lifecycle 3.2): the answer still reaches the host; then the agent ends, as PID 1 with power-off. */
export const destroySandbox: AgentHandler<'DestroySandbox'> = async (context) => {
  await context.sandbox.destroy();
  context.shutDown();
  return {};
};
