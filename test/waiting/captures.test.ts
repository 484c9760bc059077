import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed } from 'vitest';
import { describeTree } from '../support/agent/canary.ts';
import { RawConnection } from '../support/raw/raw-connection.ts';
import { CONVERSATIONS, expectSameMeaning } from '../support/replay/conversations.ts';
import { readRecording } from '../support/replay/recording.ts';
import { replay } from '../support/replay/replay.ts';
import { API_PORT, TestVm } from '../support/vm/test-vm.ts';

/** How much longer the pauses before input are than those of the recording, which was made on a machine of its own. */
const SLOWNESS = 3;

describe('what an unmodified Kata host says to the agent of a VM', () => {
  it.each(CONVERSATIONS)(
    'in the recorded conversation $name gets answers of the same meaning, in the same order',
    async (conversation) => {
      await using vm = await TestVm.boot();
      onTestFailed(({ task }) => vm.showConsole(task.name));
      const root = join(vm.share, conversation.containerId, 'rootfs');
      mkdirSync(join(vm.share, conversation.containerId));
      execFileSync('cp', ['-a', join(vm.share, 'roots/busybox'), root]);
      const before = describeTree(vm.share);
      await using connection = new RawConnection(await vm.dial(API_PORT));
      const replayed = await replay(connection, readRecording(conversation.name), {
        expected: conversation.expected,
        slowness: SLOWNESS,
      });
      expectSameMeaning(replayed);
      const kernelRelease = /^out\n(\S+)\n$/.exec(replayed.streams.get('r2/r2/stdout') ?? '')?.[1] ?? '';
      conversation.verify(replayed, { kernelRelease });
      // The guest's own kernel answered, not this machine's.
      expect(kernelRelease).not.toBe(release());
      expect(replayed.open).toEqual(['GetOOMEvent']);
      expect(await vm.ended()).toEqual({ code: 0, signal: null });
      // What the image lacked for its mounts, and nothing else, may have been made in the shared root.
      const after = describeTree(vm.share);
      expect(
        before.filter((line) => !after.includes(line) && !line.startsWith(`/${conversation.containerId}/`)),
      ).toEqual([]);
    },
  );
});
