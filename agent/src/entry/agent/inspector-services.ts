import { O_NONBLOCK, O_RDONLY } from '../../abi/constants.ts';
import { EAGAIN, EPIPE } from '../../abi/errno.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { decodeBytes } from '../../base/text.ts';
import { AGENT_VERSION } from '../../api/version.ts';
import { CGROUP_ROOT } from '../../guest/boot/boot-plan.ts';
import { inspectorCommands } from '../../guest/console/inspector/commands.ts';
import { runInspector } from '../../guest/console/inspector/inspector.ts';
import type { ContainerRow, InspectorWorld } from '../../guest/console/inspector/inspector-world.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import type { LogTail } from '../../guest/log/log-tail.ts';
import { listInterfaces, listRoutes } from '../../guest/network/list-network.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, tryRead } from '../../sys/file.ts';
import { offload } from '../../sys/offload.ts';
import { readSome, writeFully } from '../../sys/readiness.ts';
import { RouteSocket } from '../../sys/route-socket.ts';
import type { DebugConsoleParts } from './debug-console-parts.ts';

/** A question that reads what hangs is given up. */
const ANSWER_MS = 5000;
/** Lines of the kernel's log that are kept while it is read. */
const MAX_KERNEL_LINES = 1000;
/** Longest record of `/dev/kmsg` (Documentation/ABI/testing/dev-kmsg). */
const KMSG_BYTES = 8192;
/** Longest line that a terminal gives. */
const LINE_BYTES = 4096;

function containers(sandbox: Sandbox): ContainerRow[] {
  return sandbox.containerIds.map((id) => {
    const container = sandbox.container(id);
    if (!container.isCreated) return { id, status: 'creating', pid: undefined, cgroup: undefined };
    const { status, initPid, cgroup } = container.handle;
    return { id, status, pid: initPid, cgroup: cgroup === undefined ? undefined : `${CGROUP_ROOT}${cgroup.path}` };
  });
}

/** `6,339,5140900,-;text` becomes `[    5.140900] text`; lines that continue a record are left out. */
function formatRecord(record: string): string {
  const semicolon = record.indexOf(';');
  const micros = Number(record.slice(0, semicolon).split(',')[2] ?? 0);
  const text = record.slice(semicolon + 1).split('\n')[0] ?? '';
  return `[${(micros / 1e6).toFixed(6).padStart(12)}] ${text}`;
}

function kernelMessages(): string[] {
  using device = open('/dev/kmsg', O_RDONLY | O_NONBLOCK);
  const lines: string[] = [];
  const buffer = new Uint8Array(KMSG_BYTES);
  for (;;) {
    const count = tryRead(device, buffer);
    // Overwritten while we read: the next read goes on behind it.
    if (count === -EPIPE) continue;
    if (count <= 0) {
      if (count < 0 && count !== -EAGAIN) lines.push(`(the kernel's log cannot be read: errno ${-count})`);
      return lines;
    }
    lines.push(formatRecord(decodeBytes(buffer.subarray(0, count))));
    if (lines.length > MAX_KERNEL_LINES) lines.shift();
  }
}

function withSocket<T>(work: (socket: RouteSocket) => T): T {
  using socket = RouteSocket.open();
  return work(socket);
}

/** Serves one operator until he leaves. */
export async function runInspectorOn(
  parts: DebugConsoleParts,
  tail: LogTail,
  terminal: Fd,
  signal: AbortSignal,
): Promise<void> {
  const { loop, sandbox } = parts;
  const world: InspectorWorld = {
    files: sysKernelFiles,
    version: AGENT_VERSION,
    sandboxId: () => sandbox.id,
    containers: () => containers(sandbox),
    interfaces: () => withSocket(listInterfaces),
    routes: () => withSocket(listRoutes),
    logTail: () => tail.lines(),
    kernelMessages,
  };
  const buffer = new Uint8Array(LINE_BYTES);
  await runInspector(
    {
      commands: inspectorCommands(world),
      // A child has the agent's state as it is now, and may hang or die without harm.
      ask: (name, work) => offload(parts, name, work, { deadlineMs: ANSWER_MS, signal }),
      read: async (aborted) => buffer.slice(0, await readSome(loop, terminal, buffer, aborted)),
      write: (bytes, aborted) => writeFully(loop, terminal, bytes, aborted),
    },
    signal,
  );
}
