import { invalidArgument } from '../../base/errors.ts';
import { checkInterface } from '../../guest/network/interface-request.ts';
import type { AgentHandler } from '../handler.ts';

/** UpdateInterface (boot contract, 8.1): finds an interface by hardware address and makes it what the request says, which is the answer too. */
export const updateInterface: AgentHandler<'UpdateInterface'> = async (context, request, call) => {
  const wanted = request.interface;
  if (wanted === undefined) throw invalidArgument('interface', 'missing');
  const checked = checkInterface(
    {
      name: wanted.name,
      addresses: wanted.IPAddresses,
      mtu: wanted.mtu,
      hardwareAddress: wanted.hwAddr,
      devicePath: wanted.devicePath,
      rawFlags: wanted.raw_flags,
    },
    'interface',
  );
  const network = await context.guest.network();
  await network.updateInterface(checked, call.signal);
  return wanted;
};
