import type { Logger } from '../../base/log.ts';
import { PassfdListener } from '../../sandbox/passfd/passfd-listener.ts';
import type { EventLoop } from '../../sys/loop.ts';

/** Listens for streams of processes that the host hands over as connections; read when the settings name a port. */
export function openPassfd(loop: EventLoop, log: Logger, port: number): PassfdListener {
  return new PassfdListener(loop, log.child('passfd'), port);
}
