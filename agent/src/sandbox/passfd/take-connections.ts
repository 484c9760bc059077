import type { EventLoop } from '../../sys/loop.ts';
import type { StdioPorts } from '../process-streams.ts';
import type { JoinStreams } from '../sandbox-process.ts';
import type { PassfdListener } from './passfd-listener.ts';

/** Connections that were taken and wait for their process. */
export interface HeldConnections {
  readonly close: () => void;
  readonly join: JoinStreams;
}

/** The host's connections for a process; undefined when it named none, or when it cannot hand any over. */
export async function takeConnections(
  passfd: PassfdListener | undefined,
  loop: EventLoop,
  ports: StdioPorts,
): Promise<HeldConnections | undefined> {
  if (passfd === undefined || (ports.stdin === 0 && ports.stdout === 0 && ports.stderr === 0)) return undefined;
  const { closeConnections, joinStreams } = await import('./passfd-streams.ts');
  const connections = await passfd.take(ports);
  return {
    close: () => closeConnections(connections),
    join: (process) => joinStreams(loop, process.stdio, connections),
  };
}
