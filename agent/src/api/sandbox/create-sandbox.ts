import { invalidArgument } from '../../base/errors.ts';
import type { AgentHandler } from '../handler.ts';
import { storageFromProto } from '../storage-from-proto.ts';

/** CreateSandbox (lifecycle 3.1). */
export const createSandbox: AgentHandler<'CreateSandbox'> = async (context, request, call) => {
  for (const [index, module] of request.kernel_modules.entries())
    if (module.name === '') throw invalidArgument(`kernel_modules[${index}].name`, 'must not be empty');
  const config = {
    sandboxId: request.sandbox_id,
    hostname: request.hostname,
    storages: request.storages.map(storageFromProto),
    guestHookPath: request.guest_hook_path,
  };
  context.sandbox.checkCreate(config);
  for (const module of request.kernel_modules)
    await context.guest.loadKernelModule(module.name, module.parameters, call.signal);
  await context.sandbox.create(config, call.signal);
  context.guest.writeDns(request.dns);
  return {};
};
