import { Fd } from '../../sys/fd.ts';
import { duplicateTo } from '../../sys/descriptor.ts';
import { acceptBlocking, receiveMessage, startListening } from '../../sys/socket.ts';
import { decodeParentMessage } from '../plan/handshake.ts';
import type { GateKind } from '../plan/launch-plan.ts';
import { hearParent } from '../state/hear-parent.ts';

const maxStartBytes = 256;

/** Whoever wants to start this container while another one asks waits in the kernel. */
const backlog = 4;

/**
 * To be called before `ready` is said: from then on the socket on disk must answer. A process that listens itself is the one that
 * peers see (SO_PEERCRED), not the command that made the socket and ended.
 */
export function openGate(gate: GateKind): void {
  if (gate.kind === 'socket') startListening(new Fd(gate.descriptor, 'start socket'), backlog);
}

function saysStart(connection: Fd): boolean {
  try {
    const message = receiveMessage(connection, maxStartBytes);
    return message !== undefined && decodeParentMessage(message.bytes) === 'start';
  } catch {
    // Reset, or too long: the next one may be better.
    return false;
  }
}

/** The first connection that says `start`; one that only looks whether anybody is there is closed. */
function acceptStart(listener: Fd): Fd {
  for (;;) {
    const connection = acceptBlocking(listener);
    if (saysStart(connection)) return connection;
    connection.close();
  }
}

/** Waits for the start. Gives the descriptor that failures can still be told to; it closes at execve. */
export function waitForStart(sync: Fd, gate: GateKind): Fd {
  const word = hearParent(sync);
  if (word === 'start' || gate.kind === 'sync') return sync;
  using listener = new Fd(gate.descriptor, 'start socket');
  const connection = acceptStart(listener);
  // In the place of the sync socket, which has nobody at its other end any more.
  duplicateTo(connection, sync.number, true);
  connection.close();
  return sync;
}
