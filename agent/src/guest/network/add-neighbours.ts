import { NUD_PERMANENT } from '../../abi/constants.ts';
import { encodeReplaceNeighbour, type Neighbour } from '../../codec/netlink/neighbour.ts';
import { formatIpAddress } from '../../codec/ip-address.ts';
import type { RouteSocket } from '../../sys/route-socket.ts';
import { requireHardwareAddress, requireInterfaceName, requireIpAddress } from './interface-request.ts';
import { requireLink } from './links.ts';

/** A neighbour as a host describes it (boot contract, 8.6). */
export interface NeighbourText {
  readonly address: string;
  readonly device: string;
  readonly hardwareAddress: string;
  readonly state: number;
  readonly flags: number;
}

export interface NeighbourRequest {
  readonly neighbour: Omit<Neighbour, 'index'>;
  readonly device: string;
}

/** Checks an entry before any is made. Throws `invalid_argument` naming the field. */
export function checkNeighbour(text: NeighbourText, field: string): NeighbourRequest {
  const { hardwareAddress } = text;
  return {
    device: requireInterfaceName(text.device, `${field}.device`),
    neighbour: {
      address: requireIpAddress(text.address, `${field}.toIPAddress.address`),
      hardwareAddress: hardwareAddress === '' ? undefined : requireHardwareAddress(hardwareAddress, `${field}.lladdr`),
      state: text.state === 0 ? NUD_PERMANENT : text.state & 0xffff,
      flags: text.flags & 0xff,
    },
  };
}

/** Makes entries of the neighbour table, in order; the first failure stops. */
export function addNeighbours(socket: RouteSocket, requests: readonly NeighbourRequest[]): void {
  for (const { neighbour, device } of requests) {
    const { index } = requireLink(socket, device);
    const what = `neighbour ${formatIpAddress(neighbour.address)} on ${device}`;
    socket.request(what, (sequence) => encodeReplaceNeighbour({ ...neighbour, index }, sequence));
  }
}
