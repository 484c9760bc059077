/** What the conformance suite promises of a container, through the agent's API, as far as that can say it. */
import { AgentTarget } from '../conformance/support/agent-target.ts';
import { useTarget } from '../conformance/support/target.ts';

useTarget({ name: 'agent', isVm: false, start: () => AgentTarget.start() });

await import('../conformance/runtime/config-root.test.ts');
await import('../conformance/runtime/config-mounts.test.ts');
await import('../conformance/runtime/config-linux-mount-options.test.ts');
await import('../conformance/runtime/config-process.test.ts');
await import('../conformance/runtime/config-posix-process.test.ts');
await import('../conformance/runtime/config-linux-process.test.ts');
await import('../conformance/runtime/config-user.test.ts');
await import('../conformance/runtime/config-hostname.test.ts');
await import('../conformance/runtime/config-annotations.test.ts');
await import('../conformance/runtime/config-linux-default-filesystems.test.ts');
await import('../conformance/runtime/config-linux-namespaces.test.ts');
await import('../conformance/runtime/config-linux-devices.test.ts');
await import('../conformance/runtime/config-linux-sysctl.test.ts');
await import('../conformance/runtime/config-linux-seccomp.test.ts');
await import('../conformance/runtime/config-linux-masked-paths.test.ts');
await import('../conformance/runtime/config-linux-readonly-paths.test.ts');
await import('../conformance/runtime/config-linux-mount-label.test.ts');
await import('../conformance/runtime/runtime-linux.test.ts');
