import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startAgent } from '../support/agent/start-agent.ts';
import { RootFilesystems } from '../support/container/root-filesystem.ts';
import { RawConnection } from '../support/raw/raw-connection.ts';
import { CONVERSATIONS, expectSameMeaning } from '../support/replay/conversations.ts';
import { readRecording } from '../support/replay/recording.ts';
import { replay } from '../support/replay/replay.ts';

/** A plain process has no virtio-fs: the share is mounted for it, and the request to do so is left out. */
function withoutShare(method: string, message: Record<string, unknown>): Record<string, unknown> {
  if (method !== 'CreateSandbox') return message;
  const storages = message['storages'] as readonly { readonly driver: string }[];
  return { ...message, storages: storages.filter((storage) => storage.driver !== 'virtio-fs') };
}

describe('what an unmodified Kata host says', () => {
  it.each(CONVERSATIONS)(
    'in the recorded conversation $name gets answers of the same meaning, in the same order',
    async (conversation) => {
      await using roots = await RootFilesystems.create();
      const share = join(roots.folder, 'share');
      mkdirSync(join(share, conversation.containerId), { recursive: true });
      await roots.copy(`share/${conversation.containerId}/rootfs`);
      await using agent = await startAgent({ share });
      await using connection = new RawConnection(await agent.dial());
      const replayed = await replay(connection, readRecording(conversation.name), {
        edit: withoutShare,
        expected: conversation.expected,
      });
      expectSameMeaning(replayed);
      conversation.verify(replayed, { kernelRelease: release() });
      expect(replayed.open).toEqual(['GetOOMEvent']);
      expect(await agent.exit()).toBe(0);
    },
  );
});
