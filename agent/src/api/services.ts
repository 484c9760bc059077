import type { AgentHandler, AgentMethod, HealthHandler, HealthMethod } from './handler.ts';
import { createContainer } from './container/create-container.ts';
import { pauseContainer } from './container/pause-container.ts';
import { removeContainer } from './container/remove-container.ts';
import { resumeContainer } from './container/resume-container.ts';
import { startContainer } from './container/start-container.ts';
import { statsContainer } from './container/stats-container.ts';
import { updateContainer } from './container/update-container.ts';
import { copyFile } from './files/copy-file.ts';
import { check } from './health/check.ts';
import { version } from './health/version.ts';
import { addArpNeighbors } from './network/add-arp-neighbors.ts';
import { getIptables } from './network/get-iptables.ts';
import { listInterfaces } from './network/list-interfaces.ts';
import { listRoutes } from './network/list-routes.ts';
import { setIptables } from './network/set-iptables.ts';
import { updateInterface } from './network/update-interface.ts';
import { updateRoutes } from './network/update-routes.ts';
import { setPolicy } from './policy/set-policy.ts';
import { closeStdin } from './process/close-stdin.ts';
import { execProcess } from './process/exec-process.ts';
import { readStderr, readStdout } from './process/read-stream.ts';
import { signalProcess } from './process/signal-process.ts';
import { ttyWinResize } from './process/tty-win-resize.ts';
import { waitProcess } from './process/wait-process.ts';
import { writeStdin } from './process/write-stdin.ts';
import { createSandbox } from './sandbox/create-sandbox.ts';
import { destroySandbox } from './sandbox/destroy-sandbox.ts';
import { getDiagnosticData } from './sandbox/get-diagnostic-data.ts';
import { getOomEvent } from './sandbox/get-oom-event.ts';
import { removeStaleVirtiofsShareMounts } from './sandbox/remove-stale-virtiofs-share-mounts.ts';
import { updateEphemeralMounts } from './sandbox/update-ephemeral-mounts.ts';
import { getVolumeStats } from './storage/get-volume-stats.ts';
import { resizeVolume } from './storage/resize-volume.ts';
import { addSwap, addSwapPath } from './system/add-swap.ts';
import { getGuestDetails } from './system/get-guest-details.ts';
import { memAgentCompactSet, memAgentMemcgSet } from './system/mem-agent.ts';
import { getMetrics } from './system/get-metrics.ts';
import { memHotplugByProbe } from './system/mem-hotplug-by-probe.ts';
import { onlineCpuMem } from './system/online-cpu-mem.ts';
import { reseedRandomDev } from './system/reseed-random-dev.ts';
import { setGuestDateTime } from './system/set-guest-date-time.ts';

/** The methods of grpc.AgentService that exist; a method of the .proto that is not here answers UNIMPLEMENTED. */
const agentService: { readonly [M in AgentMethod]?: AgentHandler<M> } = {
  CreateSandbox: createSandbox,
  DestroySandbox: destroySandbox,
  GetGuestDetails: getGuestDetails,
  OnlineCPUMem: onlineCpuMem,
  GetOOMEvent: getOomEvent,
  GetDiagnosticData: getDiagnosticData,
  GetMetrics: getMetrics,
  MemAgentMemcgSet: memAgentMemcgSet,
  MemAgentCompactSet: memAgentCompactSet,
  MemHotplugByProbe: memHotplugByProbe,
  SetGuestDateTime: setGuestDateTime,
  ReseedRandomDev: reseedRandomDev,
  AddSwap: addSwap,
  AddSwapPath: addSwapPath,
  CopyFile: copyFile,
  GetVolumeStats: getVolumeStats,
  ResizeVolume: resizeVolume,
  UpdateEphemeralMounts: updateEphemeralMounts,
  RemoveStaleVirtiofsShareMounts: removeStaleVirtiofsShareMounts,
  UpdateInterface: updateInterface,
  UpdateRoutes: updateRoutes,
  ListInterfaces: listInterfaces,
  ListRoutes: listRoutes,
  AddARPNeighbors: addArpNeighbors,
  GetIPTables: getIptables,
  SetIPTables: setIptables,
  CreateContainer: createContainer,
  StartContainer: startContainer,
  RemoveContainer: removeContainer,
  PauseContainer: pauseContainer,
  ResumeContainer: resumeContainer,
  UpdateContainer: updateContainer,
  StatsContainer: statsContainer,
  ExecProcess: execProcess,
  SignalProcess: signalProcess,
  WaitProcess: waitProcess,
  WriteStdin: writeStdin,
  ReadStdout: readStdout,
  ReadStderr: readStderr,
  CloseStdin: closeStdin,
  TtyWinResize: ttyWinResize,
  SetPolicy: setPolicy,
};

const health: { readonly [M in HealthMethod]?: HealthHandler<M> } = { Check: check, Version: version };

/** The handler of a method that the API knows; undefined when it is not built. The names come from outside: own keys only. */
export function findHandler(service: string, method: string): unknown {
  const table: object = service === 'grpc.Health' ? health : agentService;
  return Object.hasOwn(table, method) ? (table as Readonly<Record<string, unknown>>)[method] : undefined;
}
