import type { AgentConfig } from '../../guest/config/agent-config.ts';
import type { AgentLog } from '../../guest/log/create-logger.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { EventLoop } from '../../sys/loop.ts';
import type { Rlimit } from '../../sys/process.ts';
import type { Reaper } from '../../sys/reaper.ts';

/** What the debug console and its inspector need of the agent. */
export interface DebugConsoleParts {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: AgentLog;
  readonly config: AgentConfig;
  readonly sandbox: Sandbox;
  readonly isPid1: boolean;
  /** The limit of descriptors for what is not the agent. */
  readonly nofile: Rlimit;
  readonly environment: Readonly<Record<string, string>>;
}
