import type { Duplex } from 'node:stream';
import { eventually } from '../eventually.ts';
import type { TestVm } from './test-vm.ts';

/** A connection to a vsock port of the guest, and the port that the guest sees at its other end. */
export interface PortedConnection {
  readonly socket: Duplex;
  readonly port: number;
}

let queue: Promise<unknown> = Promise.resolve();

function portsSeen(vm: TestVm): number[] {
  return [...vm.console.matchAll(/"passfd: connection".*?"port":"(\d+)"/g)].map((match) => Number(match[1]));
}

async function dialNow(vm: TestVm, guestPort: number): Promise<PortedConnection> {
  const before = portsSeen(vm).length;
  const socket = await vm.dial(guestPort);
  return await eventually(() => {
    const port = portsSeen(vm)[before];
    if (port === undefined) throw new Error(`the guest has not seen the connection to port ${guestPort}`);
    return { socket, port };
  });
}

/**
 * Connects to the passfd port and tells our port. Hosts read it from the answer `OK <port>` of their hybrid vsock;
 * vhost-device-vsock repeats the guest's port there, so it is read from the agent's log, which must be at debug level.
 */
export function dialWithPort(vm: TestVm, guestPort: number): Promise<PortedConnection> {
  const dialed = queue.then(() => dialNow(vm, guestPort));
  queue = dialed.catch(() => undefined);
  return dialed;
}
