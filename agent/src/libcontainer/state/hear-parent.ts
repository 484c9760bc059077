import type { Fd } from '../../sys/fd.ts';
import { read } from '../../sys/file.ts';
import { exit } from '../../sys/process.ts';
import { decodeParentMessage } from '../plan/handshake.ts';
import type { ParentMessage } from '../plan/handshake.ts';

/** Exit code when the launch failed before execve; the reason went over the sync socket. */
export const exitLaunchFailed = 125;

/** The only messages that come from the parent are short; a large buffer would cost pages of every container. */
const maxParentBytes = 256;

/** The next word of the parent. The end of the stream means that it gave the launch up: there is nobody to tell, so this exits. */
export function hearParent(sync: Fd): ParentMessage['type'] {
  const buffer = new Uint8Array(maxParentBytes);
  for (;;) {
    // Descriptors never come with it.
    const length = read(sync, buffer);
    if (length === 0) exit(exitLaunchFailed);
    const word = decodeParentMessage(buffer.subarray(0, length));
    if (word !== undefined) return word;
  }
}
