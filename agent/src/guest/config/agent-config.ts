import type { LogLevel } from '../../base/log.ts';
import { DEFAULT_MEM_AGENT, type MemAgentConfig } from '../memory/mem-agent-config.ts';
import { VSOCK_CID_ANY, type ServerAddress } from './server-address.ts';

/** The settings that this agent acts on. */
export interface AgentConfig {
  readonly logLevel: LogLevel;
  /** vsock port that serves the log, 0 = log to standard output. */
  readonly logVport: number;
  /** vsock port that takes connections for the streams of processes, 0 = those go through the API. */
  readonly passfdPort: number;
  readonly serverAddress: ServerAddress;
  /** Size of a container's stdout and stderr pipes in bytes, 0 = the kernel's default. */
  readonly containerPipeSizeBytes: number;
  /** How long a device may take to appear. */
  readonly hotplugTimeoutMs: number;
  /** How long the description of a device (CDI) may take to appear. */
  readonly cdiTimeoutMs: number;
  /** Containers may name such devices in their environment as well. */
  readonly readsCdiEnvironment: boolean;
  /** vsock port of the host that is told when the API listens, 0 = none. */
  readonly readyPort: number;
  /** The wall clock follows the one that the hypervisor shows as a PTP device; only as PID 1. */
  readonly followsHostClock: boolean;
  /** A span for each request goes to a collector on the host. */
  readonly isTracing: boolean;
  /** A shell for the operator: on `debugConsoleVport`, or on the console of the VM when that is 0. */
  readonly hasDebugConsole: boolean;
  readonly debugConsoleVport: number;
  /** The memory agent runs, with these settings. */
  readonly isMemAgentOn: boolean;
  readonly memAgent: MemAgentConfig;
  /** Path of the policy; empty: the default one if the image has it. */
  readonly policyFile: string;
  /** True when the kernel command line asks for cgroup v1 by name; this agent has only v2 and says so. */
  readonly isCgroupV1Requested: boolean;
}

export const DEFAULT_CONFIG: AgentConfig = {
  logLevel: 'INFO',
  logVport: 0,
  passfdPort: 0,
  serverAddress: { kind: 'vsock', cid: VSOCK_CID_ANY, port: 1024 },
  containerPipeSizeBytes: 0,
  hotplugTimeoutMs: 3000,
  cdiTimeoutMs: 100_000,
  readsCdiEnvironment: false,
  readyPort: 0,
  followsHostClock: false,
  isTracing: false,
  hasDebugConsole: false,
  debugConsoleVport: 0,
  isMemAgentOn: false,
  memAgent: DEFAULT_MEM_AGENT,
  policyFile: '',
  isCgroupV1Requested: false,
};

/** The largest delay a timer takes here: about 24 days. Longer timeouts mean "practically never". */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** Seconds of an option as milliseconds, bounded to what a timer can hold. */
export function secondsToMs(seconds: bigint): number {
  const ms = seconds * 1000n;
  return ms > BigInt(MAX_TIMEOUT_MS) ? MAX_TIMEOUT_MS : Number(ms);
}

/** Kata's log level names to the four letters that a record carries. */
export function parseLogLevel(name: string): LogLevel | undefined {
  switch (name) {
    case 'fatal':
    case 'panic':
    case 'critical':
      return 'CRIT';
    case 'error':
      return 'ERRO';
    case 'warn':
    case 'warning':
      return 'WARN';
    case 'info':
      return 'INFO';
    case 'debug':
      return 'DEBG';
    case 'trace':
      return 'TRCE';
    default:
      return undefined;
  }
}
