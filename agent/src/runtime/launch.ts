import { SIGCHLD } from '../abi/constants.ts';
import type { Logger } from '../base/log.ts';
import { runInline } from '../libcontainer/init/run-plan.ts';
import { runtimeCgroupPolicy } from '../libcontainer/cgroup/cgroup-policy.ts';
import { runtimeLaunchRules } from '../libcontainer/launch/launch-rules.ts';
import type { LaunchContext } from '../libcontainer/types.ts';
import { EventLoop } from '../sys/loop.ts';
import { resetSignalDisposition } from '../sys/process.ts';
import { Reaper } from '../sys/reaper.ts';
import type { CgroupChoice } from './cgroup/choose-cgroup.ts';
import { findCgroupRoot } from './cgroup/find-root.ts';

/** Where containers get their cgroups; undefined: they get none. */
export function cgroupRootFor(cgroups: CgroupChoice): string | undefined {
  return cgroups === 'disabled' ? undefined : findCgroupRoot();
}

/** What a command that makes processes needs: one event loop, and who collects its children. */
export function makeLaunchContext(log: Logger, cgroupRoot: string | undefined): LaunchContext {
  // Ignored by the caller it would keep children from being waited for. The others are seen to by the new process.
  resetSignalDisposition(SIGCHLD);
  const loop = EventLoop.create();
  return {
    loop,
    reaper: new Reaper(loop),
    log,
    child: { kind: 'inline', run: runInline },
    rules: runtimeLaunchRules,
    cgroupRoot,
    cgroupPolicy: runtimeCgroupPolicy,
    pipeSize: 0,
  };
}
