/**
 * The zygote: `kihon-init` that has started once and then makes the processes of all containers by clone. It never knows a
 * container: what a process is to do stands in a descriptor that only the process itself reads.
 */
import { failpoint } from '../../base/failpoint.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { exit, setDumpable, setProcessName } from '../../sys/process.ts';
import { receiveMessage, sendMessage } from '../../sys/socket.ts';
import { runInline } from '../init/run-plan.ts';
import { spawnInit } from '../launch/spawn.ts';
import {
  decodeZygoteRequest,
  encodeZygoteMessage,
  maxZygoteBytes,
  maxZygoteDescriptors,
  zygoteDescriptor,
} from './zygote-message.ts';

function make(channel: Fd, bytes: Uint8Array, fds: readonly Fd[]): void {
  failpoint('zygote.request');
  const { own, hasCgroup, hasPidNamespace, firstStage, ...request } = decodeZygoteRequest(bytes);
  const used = fds.slice(own);
  const cgroup = hasCgroup ? used.shift() : undefined;
  const pidNamespace = hasPidNamespace ? used.shift() : undefined;
  const descriptors = fds.slice(0, own);
  const sync = descriptors[4];
  if (sync === undefined) throw new Error('a process without a sync socket');
  const made = spawnInit({
    ...request,
    // The plan comes in a descriptor, which nobody but the process reads.
    child: { kind: 'inline', run: runInline },
    plan: undefined,
    isSibling: true,
    firstStage: firstStage.map((flag, index) => ({ flag, source: used[index] ?? channel })),
    cgroup,
    pidNamespace,
    descriptors,
    sync,
  });
  using pidfd = made.pidfd;
  failpoint('zygote.made');
  sendMessage(channel, encodeZygoteMessage({ kind: 'made', pid: made.pid }), [pidfd]);
}

/** Serves the agent until it is gone. Never returns. */
export function runZygote(): never {
  setProcessName('kihon-zygote');
  // Nobody shall look at the memory that all containers begin with (EXE-05).
  setDumpable(false);
  const channel = new Fd(zygoteDescriptor, 'zygote channel');
  for (;;) {
    const message = receiveMessage(channel, maxZygoteBytes, 0, maxZygoteDescriptors);
    if (message === undefined) continue;
    if (message.bytes.length === 0) exit(0);
    try {
      make(channel, message.bytes, message.fds);
    } catch (error) {
      const { call, errno, subject } = isSysError(error) ? error : { call: 'zygote', errno: 5, subject: String(error) };
      sendMessage(channel, encodeZygoteMessage({ kind: 'refused', call, errno, subject: subject.slice(0, 1000) }));
    } finally {
      for (const fd of message.fds) fd.close();
    }
  }
}
