import { agentHookRules, runtimeHookRules } from '../plan/compile-hooks.ts';
import type { HookRules } from '../plan/compile-hooks.ts';

/** Where the two callers of libcontainer want different things. */
export interface LaunchRules {
  readonly hooks: HookRules;
  /** Give every process a cgroup namespace of its own, or only where the spec names one. */
  readonly ownCgroupNamespace: 'always' | 'asked';
  /** A start is over when the program is executed, and tells why it could not be; else when the gate was opened. */
  readonly awaitsExecve: boolean;
  /** Keep the container's namespaces open for later execs; else they are recorded (`recorded-init.ts`). */
  readonly pinsNamespaces: boolean;
  /** The caller protects itself from the OOM killer, which must not be inherited (LIV-02). */
  readonly resetsOomScore: boolean;
  /** `process.user.username` is a name to look up in the container's files; else only the numbers count. */
  readonly looksUpUsernames: boolean;
  /** A sysctl that the kernel does not have is an error; else it is skipped. */
  readonly refusesMissingSysctls: boolean;
}

/** The agent: one process that keeps its containers. */
export const agentLaunchRules: LaunchRules = {
  hooks: agentHookRules,
  ownCgroupNamespace: 'always',
  awaitsExecve: false,
  pinsNamespaces: true,
  resetsOomScore: true,
  looksUpUsernames: false,
  refusesMissingSysctls: false,
};

/** The runtime command: one process for each operation. */
export const runtimeLaunchRules: LaunchRules = {
  hooks: runtimeHookRules,
  ownCgroupNamespace: 'asked',
  awaitsExecve: true,
  pinsNamespaces: false,
  resetsOomScore: false,
  looksUpUsernames: true,
  refusesMissingSysctls: true,
};
