import type { Logger } from '../base/log.ts';
import { keyedValue, parseFlatKeyed } from '../libcontainer/cgroup/parse-stats.ts';
import { statsToRuncJson } from '../libcontainer/cgroup/stats-to-runc-json.ts';
import { watchCgroupFile } from '../libcontainer/cgroup/watch-file.ts';
import { watchPressure, type PressureTrigger } from '../libcontainer/cgroup/watch-pressure.ts';
import { exists } from '../sys/file.ts';
import { EventLoop } from '../sys/loop.ts';
import { requireCgroup } from './cgroup/cgroup-directory.ts';
import { runtimeError } from './runtime-error.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import { containerStatus } from './state/container-status.ts';

export interface EventsRequest {
  readonly root: string;
  readonly id: string;
  readonly log: Logger;
  readonly intervalMs: number;
  /** What counts as pressure; none by default. */
  readonly triggers: readonly PressureTrigger[];
  /** One line of JSON. */
  readonly onLine: (line: string) => void;
}

function openRunning({ root, id, log }: EventsRequest): ReturnType<typeof requireCgroup> {
  using directory = ContainerDirectory.open(root, id);
  const state = directory.require();
  if (containerStatus(directory, state) === 'stopped') throw runtimeError('not running', id);
  return requireCgroup(state, 'read the counters', log);
}

/** The counters of a container, once. */
export function readStats(request: EventsRequest): void {
  const cgroup = openRunning(request);
  try {
    request.onLine(statsToRuncJson(request.id, cgroup.stats()));
  } finally {
    cgroup.close();
  }
}

/** The counters at every interval, and each out-of-memory event and pressure as it comes, until the last process has ended. */
export async function watchEvents(request: EventsRequest): Promise<void> {
  const { id, onLine, intervalMs } = request;
  const cgroup = openRunning(request);
  const loop = EventLoop.create();
  let kills: bigint | undefined;
  const stops: (() => void)[] = [];
  if (exists('memory.events', cgroup.directory)) {
    stops.push(
      watchCgroupFile(loop, cgroup.directory, 'memory.events', (text) => {
        if (text === undefined) return;
        const now = keyedValue(parseFlatKeyed(text), 'oom_kill');
        if (kills !== undefined && now > kills) onLine(JSON.stringify({ type: 'oom', id }));
        kills = now;
      }),
    );
  }
  for (const trigger of request.triggers) {
    const { resource, kind, stallUs, windowUs } = trigger;
    const data = { resource, kind, stall_us: stallUs, window_us: windowUs };
    const line = JSON.stringify({ type: 'pressure', id, data });
    stops.push(watchPressure(loop, cgroup.directory, trigger, () => onLine(line)));
  }
  await new Promise<void>((resolve, reject) => {
    let isOver = false;
    const tick = (): void => {
      if (isOver) return;
      try {
        onLine(statsToRuncJson(id, cgroup.stats()));
        loop.setTimer(intervalMs, tick);
      } catch (error) {
        isOver = true;
        reject(error instanceof Error ? error : new Error('out of memory'));
      }
    };
    watchCgroupFile(loop, cgroup.directory, 'cgroup.events', (text) => {
      if (text !== undefined && keyedValue(parseFlatKeyed(text), 'populated') !== 0n) return;
      isOver = true;
      resolve();
    });
    loop.setTimer(intervalMs, tick);
  });
  for (const stop of stops) stop();
  cgroup.close();
}
