import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childrenOf } from '../../support/agent/kernel-view.ts';
import { isRpcError } from '../../../host/client/rpc-error.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { describeTree } from '../../support/agent/canary.ts';
import { createRequest, mount } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import { NameSwapper } from '../../support/rootfs/name-swapper.ts';
import { mountsSeen } from '../../support/rootfs/mount-view.ts';

/** Containers made while names are swapped. */
const CREATES = amount(120, 500);

describe('names that change while they are mounted on', { timeout: 300_000 }, () => {
  const fixture = useAgent();

  /** A volume with `good`, a folder, and `bad`, a link, as another container that shares it would prepare it. */
  const prepare = (name: string, target: string): string => {
    const volume = join(fixture.roots.folder, name);
    mkdirSync(join(volume, 'good/deep'), { recursive: true });
    symlinkSync(target, join(volume, 'bad'));
    return volume;
  };

  it('MNT-01: every create ends inside the root or fails', async () => {
    const root = await fixture.roots.copy();
    const canary = fixture.watched.canary.folder;
    const volume = prepare('raced', '/');
    const file = join(fixture.roots.folder, 'raced-file');
    writeFileSync(file, 'bound');
    const before = describeTree(root).length;
    await using swapper = await NameSwapper.start(volume, 'good', 'bad');
    let made = 0;
    for (let round = 0; round < CREATES; round++) {
      const id = freshId();
      const options = {
        root,
        mounts: [
          mount('/v', volume, 'bind', 'rbind'),
          mount('/v/good/deep', 'tmpfs', 'tmpfs', 'size=64k'),
          mount('/v/bad/deep', canary, 'bind', 'rbind', 'ro'),
          mount('/v/good/tmp', file, 'bind', 'bind'),
        ],
      };
      try {
        await using container = await TestContainer.create(fixture.client, options, id);
        made += 1;
        const init = childrenOf(fixture.agent.pid).at(-1);
        const table = mountsSeen(readFileSync(`/proc/${init?.pid}/mountinfo`, 'latin1'));
        // Nothing of the container lies on a path that is no path of its root.
        for (const path of table.keys()) expect(path.startsWith('/')).toBe(true);
        expect(table.get('/')?.root).not.toBe('/');
        await container.remove();
      } catch (error) {
        if (!isRpcError(error)) throw error;
      }
    }
    expect(swapper.isRunning).toBe(true);
    expect(fixture.watched.canary.changes()).toEqual([]);
    expect(made).toBeGreaterThan(0);
    expect(describeTree(root).length).toBeLessThan(before + 40);
  });

  it('MNT-10: mount points that are missing are made inside the root, or nowhere', async () => {
    const root = await fixture.roots.copy();
    const canary = fixture.watched.canary.folder;
    const volume = prepare('raced-points', `../../../../../../../../${canary}`);
    const file = join(fixture.roots.folder, 'point');
    writeFileSync(file, 'x');
    await using swapper = await NameSwapper.start(volume, 'good', 'bad');
    for (let round = 0; round < CREATES; round++) {
      const isFile = round % 2 === 0;
      const mounts = [
        mount('/v', volume, 'bind', 'rbind'),
        isFile
          ? mount(`/v/good/m${round}/n/o`, file, 'bind', 'bind')
          : mount(`/v/good/m${round}/n/o`, 'tmpfs', 'tmpfs'),
        // Fails in the end, so that what was made is taken away again.
        ...(round % 3 === 0 ? [mount('/z', 'z', 'nosuchfs')] : []),
      ];
      const create = fixture.client.call('CreateContainer', createRequest(`race-${round}`, { root, mounts }));
      const isMade = await create.then(
        () => true,
        (error: unknown) => {
          if (!isRpcError(error)) throw error;
          return false;
        },
      );
      if (isMade) await TestContainer.attach(fixture.client, `race-${round}`).remove();
    }
    expect(swapper.isRunning).toBe(true);
    expect(fixture.watched.canary.changes()).toEqual([]);
    expect(readdirSync(canary).filter((name) => name.startsWith('m'))).toEqual([]);
  });

  it('MNT-12: a file to be covered that is swapped with a link outside', async () => {
    const root = await fixture.roots.copy();
    const etc = join(root, 'etc');
    writeFileSync(join(etc, 'good'), 'of the image');
    symlinkSync(join(fixture.watched.canary.folder, 'secret'), join(etc, 'bad'));
    const file = join(fixture.roots.folder, 'cover');
    writeFileSync(file, 'bound');
    let made = 0;
    {
      await using swapper = await NameSwapper.start(etc, 'good', 'bad');
      for (let round = 0; round < CREATES; round++) {
        const mounts = [mount('/etc/good', file, 'bind', 'bind')];
        try {
          await using container = await TestContainer.create(fixture.client, { root, mounts });
          made += 1;
          await container.remove();
        } catch (error) {
          // The name may become another thing between two looks at it: then the create is refused.
          if (!isRpcError(error)) throw error;
        }
      }
      expect(swapper.isRunning).toBe(true);
    }
    expect(made).toBeGreaterThan(0);
    const contents = ['good', 'bad'].map((name) => {
      try {
        return readFileSync(join(etc, name), 'utf8');
      } catch {
        return '';
      }
    });
    expect(contents).toContain('of the image');
    expect(fixture.watched.canary.changes()).toEqual([]);
  });
});
