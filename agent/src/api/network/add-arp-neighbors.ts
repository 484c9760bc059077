import { invalidArgument } from '../../base/errors.ts';
import { checkNeighbour } from '../../guest/network/add-neighbours.ts';
import type { AgentHandler } from '../handler.ts';

/** AddARPNeighbors (boot contract, 8.6): entries of the neighbour table, for both families. */
export const addArpNeighbors: AgentHandler<'AddARPNeighbors'> = async (context, request) => {
  if (request.neighbors === undefined) throw invalidArgument('neighbors', 'missing');
  const checked = request.neighbors.ARPNeighbors.map((entry, index) =>
    checkNeighbour(
      {
        address: entry.toIPAddress?.address ?? '',
        device: entry.device,
        hardwareAddress: entry.lladdr,
        state: entry.state,
        flags: entry.flags,
      },
      `neighbors[${index}]`,
    ),
  );
  const network = await context.guest.network();
  network.addNeighbours(checked);
  return {};
};
