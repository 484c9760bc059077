import type { Init } from '../../../agent/src/codec/protobuf/message-codec.ts';
import type { AgentMethod, AgentMethods } from '../../../host/client/agent-client.ts';
import { createRequest, processSpec } from '../../support/container/container-spec.ts';
import { freshId } from '../../support/container/test-container.ts';
import { EPHEMERAL_VOLUME, SANDBOX_ID, type PlaceKind } from '../places/place.ts';
import { copySharedFile, ephemeralStorage } from '../places/settle.ts';

/** What the requests are about. */
export interface RaceTarget {
  readonly containerId: string;
  /** A running exec of it, where it has one. */
  readonly execId: string;
  /** Root file system as the agent sees it. */
  readonly root: string;
}

type Requests = { readonly [M in AgentMethod]: (target: RaceTarget) => Init<AgentMethods[M]['request']> };

const LOOPBACK = { device: 'lo', name: 'lo', mtu: 65_536n, hwAddr: '00:00:00:00:00:00' };
/** What Kata's hosts send when nothing shall be restricted. */
const OPEN_POLICY = 'package agent_policy\n\ndefault AllowRequestsFailingPolicy := true\n';
const SIGUSR1 = 10;

const init = ({ containerId }: RaceTarget) => ({ container_id: containerId });
const exec = ({ containerId, execId }: RaceTarget) => ({ container_id: containerId, exec_id: execId });

/**
 * A request a host could send, for every method of the protocol: a method that is added needs one here. None of them changes the
 * guest so that the next scenario's would mean something else.
 */
export const PLAUSIBLE_REQUESTS: Requests = {
  CreateContainer: ({ containerId, root }) => createRequest(containerId, { root, run: 'exec cat' }),
  StartContainer: init,
  RemoveContainer: init,
  ExecProcess: ({ containerId }) => ({
    container_id: containerId,
    exec_id: freshId('late'),
    process: processSpec({ run: 'echo late' }),
  }),
  SignalProcess: (target) => ({ ...exec(target), signal: SIGUSR1 }),
  WaitProcess: exec,
  UpdateContainer: (target) => ({ ...init(target), resources: { CPU: { Shares: 512n } } }),
  UpdateEphemeralMounts: () => ({ storages: [{ ...ephemeralStorage, options: ['remount', 'size=2097152'] }] }),
  StatsContainer: init,
  PauseContainer: init,
  ResumeContainer: init,
  RemoveStaleVirtiofsShareMounts: () => ({}),
  GetDiagnosticData: (target) => ({ ...init(target), log_type: 'termination_log' }),
  WriteStdin: (target) => ({ ...exec(target), data: Buffer.alloc(100_000, 'x') }),
  ReadStdout: (target) => ({ ...exec(target), len: 32_768 }),
  ReadStderr: (target) => ({ ...exec(target), len: 32_768 }),
  CloseStdin: exec,
  TtyWinResize: (target) => ({ ...exec(target), row: 24, column: 80 }),
  UpdateInterface: () => ({ interface: LOOPBACK }),
  UpdateRoutes: () => ({ routes: { Routes: [] } }),
  ListInterfaces: () => ({}),
  ListRoutes: () => ({}),
  AddARPNeighbors: () => ({ neighbors: { ARPNeighbors: [] } }),
  GetIPTables: () => ({ is_ipv6: false }),
  SetIPTables: () => ({ is_ipv6: false, data: Buffer.from('*filter\nCOMMIT\n') }),
  GetMetrics: () => ({}),
  MemAgentMemcgSet: () => ({ disabled: true }),
  MemAgentCompactSet: () => ({ disabled: true }),
  CreateSandbox: () => ({ sandbox_id: SANDBOX_ID, hostname: 'soak' }),
  DestroySandbox: () => ({}),
  OnlineCPUMem: () => ({ cpu_only: true, nb_cpus: 1 }),
  ReseedRandomDev: () => ({ data: Buffer.alloc(512, 7) }),
  GetGuestDetails: () => ({ mem_block_size: true, mem_hotplug_probe: true }),
  MemHotplugByProbe: () => ({ memHotplugProbeAddr: [] }),
  SetGuestDateTime: () => {
    const now = Date.now();
    return { Sec: BigInt(Math.floor(now / 1000)), Usec: BigInt((now % 1000) * 1000) };
  },
  CopyFile: () => copySharedFile,
  GetOOMEvent: () => ({}),
  AddSwap: () => ({ PCIPath: [31] }),
  AddSwapPath: () => ({ path: '/dev/no-such-disk' }),
  GetVolumeStats: () => ({ volume_guest_path: EPHEMERAL_VOLUME }),
  ResizeVolume: () => ({ volume_guest_path: EPHEMERAL_VOLUME, size: 1n << 20n }),
  SetPolicy: () => ({ policy: OPEN_POLICY }),
};

/** As a process the agent would do these to the machine that runs the soak. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set<AgentMethod>([
  'SetGuestDateTime',
  'OnlineCPUMem',
  'MemHotplugByProbe',
  'MemAgentMemcgSet',
  'MemAgentCompactSet',
  'ReseedRandomDev',
]);

/** The methods that may be called in a place, but for the one that ends it. */
export function methodsOf(place: PlaceKind): readonly AgentMethod[] {
  return (Object.keys(PLAUSIBLE_REQUESTS) as AgentMethod[]).filter(
    (method) => method !== 'DestroySandbox' && (place === 'vm' || !OF_THE_MACHINE.has(method)),
  );
}
