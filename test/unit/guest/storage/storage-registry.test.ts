import { describe, expect, it } from 'vitest';
import { neverAborted } from '../../../../agent/src/base/abort.ts';
import { AbandonedError, describeError, DomainError } from '../../../../agent/src/base/errors.ts';
import { silentLogger } from '../../../../agent/src/base/log.ts';
import { StorageRegistry } from '../../../../agent/src/guest/storage/storage-registry.ts';
import type { Storage, StorageContext, StorageDriver } from '../../../../agent/src/guest/storage/storage.ts';

const BASE = '/run/kata-containers/sandbox/storage';

const context: StorageContext = {
  signal: neverAborted,
  log: silentLogger,
  waitForBlockDevice: () => Promise.reject(new Error('not used')),
  waitForScsiDisk: () => Promise.reject(new Error('not used')),
  waitForBlockNode: () => Promise.reject(new Error('not used')),
  watchables: () => Promise.reject(new Error('not used')),
  sleep: async () => undefined,
  runBlocking: () => Promise.reject(new Error('not used')),
  runProgram: () => Promise.reject(new Error('not used')),
};

interface Fixture {
  registry: StorageRegistry;
  events: string[];
  /** Mount points whose creation fails. */
  failing: Set<string>;
  /** While set, creations wait for it. */
  gate: { promise: Promise<void> | undefined };
}

function fixture(): Fixture {
  const events: string[] = [];
  const failing = new Set<string>();
  const gate: Fixture['gate'] = { promise: undefined };
  const driver = (name: string, isReleasedByContainers: boolean): StorageDriver => ({
    name,
    isReleasedByContainers,
    create: async ({ target }) => {
      await gate.promise;
      const short = target.parts.at(-1) ?? '';
      if (failing.has(short)) throw new Error(`mount ${short}: EIO`);
      events.push(`+${short}`);
    },
    release: async ({ target }) => {
      await Promise.resolve();
      events.push(`-${target.parts.at(-1)}`);
    },
  });
  const drivers = [driver('blk', true), driver('ephemeral', false)];
  const registry = new StorageRegistry(new Map(drivers.map((each) => [each.name, each])));
  return { registry, events, failing, gate };
}

function storage(name: string, changes: Partial<Storage> = {}): Storage {
  const plain = { driver: 'blk', driverOptions: [], source: 's', fstype: 'ext4', options: [], shared: false };
  return { ...plain, mountPoint: `${BASE}/${name}`, ...changes };
}

describe('StorageRegistry', () => {
  it('creates once and releases with the last user', async () => {
    const { registry, events } = fixture();
    const first = await registry.acquire([storage('a')], context);
    const second = await registry.acquire([storage('a', { mountPoint: `${BASE}//a/` })], context);
    expect(second).toEqual(first);
    await registry.release(first, context);
    expect(events).toEqual(['+a']);
    await registry.release(second, context);
    expect(events).toEqual(['+a', '-a']);
    await registry.release(second, context);
    expect(events).toEqual(['+a', '-a']);
    expect(registry.mountPoints).toEqual([]);
  });

  it('counts a path that one request names twice', async () => {
    const { registry, events } = fixture();
    const paths = await registry.acquire([storage('a'), storage('a')], context);
    expect(paths).toHaveLength(2);
    await registry.release(paths, context);
    expect(events).toEqual(['+a', '-a']);
  });

  it('gives back the first two when the third of five fails (API-08)', async () => {
    const { registry, events, failing } = fixture();
    const kept = await registry.acquire([storage('b')], context);
    failing.add('c');
    const five = ['a', 'b', 'c', 'd', 'e'].map((name) => storage(name));
    await expect(registry.acquire(five, context)).rejects.toMatchObject({ code: 'internal' });
    expect(events).toEqual(['+b', '+a', '-a']);
    expect(registry.mountPoints).toEqual(kept);
    failing.clear();
    await registry.acquire([storage('c')], context);
    expect(events.at(-1)).toBe('+c');
  });

  it('takes even a shared or lasting storage away when its request fails', async () => {
    const { registry, events, failing } = fixture();
    failing.add('z');
    const request = [storage('a', { shared: true }), storage('b', { driver: 'ephemeral' }), storage('z')];
    await expect(registry.acquire(request, context)).rejects.toThrow();
    expect(events).toEqual(['+a', '+b', '-b', '-a']);
  });

  it('does not take a failed shared storage for a ready one', async () => {
    const { registry, failing } = fixture();
    failing.add('a');
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(registry.acquire([storage('a', { shared: true })], context)).rejects.toThrow();
    }
    expect(registry.mountPoints).toEqual([]);
  });

  it('refuses a place where an abandoned mount may still arrive, until it has been undone', async () => {
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    const created: string[] = [];
    const driver: StorageDriver = {
      name: 'blk',
      isReleasedByContainers: true,
      create: async ({ source }) => {
        created.push(source);
        // A driver may say more about it.
        const abandoned = new AbandonedError('mount s on a: not done after 30000 ms', settled);
        if (source === 'hung') throw new DomainError('internal', 'share', abandoned);
        await Promise.resolve();
      },
      release: () => Promise.resolve(),
    };
    const registry = new StorageRegistry(new Map([['blk', driver]]));
    const hung = storage('a', { source: 'hung' });
    await expect(registry.acquire([hung], context)).rejects.toThrow('storage blk hung at');
    for (const source of ['hung', 'other']) {
      const refused = await registry.acquire([storage('a', { source })], context).catch((error: unknown) => error);
      expect(describeError(refused)).toContain('an earlier mount there, of hung, does not come to an end');
    }
    await registry.acquire([storage('b')], context);
    await registry.releaseAll(context);
    expect(created).toEqual(['hung', 's']);
    settle();
    await settled;
    await registry.acquire([storage('a')], context);
    expect(registry.mountPoints).toEqual([`${BASE}/a`]);
  });

  it('keeps a shared storage after its last user', async () => {
    const { registry, events } = fixture();
    const paths = await registry.acquire([storage('a', { shared: true })], context);
    await registry.release(paths, context);
    await registry.release(await registry.acquire([storage('a')], context), context);
    expect(events).toEqual(['+a']);
  });

  it('never lists a lasting storage for release', async () => {
    const { registry, events } = fixture();
    const lasting = storage('a', { driver: 'ephemeral' });
    expect(await registry.acquire([lasting], context)).toEqual([]);
    expect(await registry.acquire([lasting], context)).toEqual([]);
    expect(events).toEqual(['+a']);
  });

  it('refuses an unknown driver before anything is done, every time', async () => {
    const { registry, events } = fixture();
    const request = [storage('a'), storage('b', { driver: '__proto__' })];
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(registry.acquire(request, context)).rejects.toMatchObject({
        code: 'internal',
        message: 'Failed to find the storage handler __proto__',
      });
    }
    expect(events).toEqual([]);
  });

  it.each([
    '/',
    '/proc',
    '/etc/x',
    'relative',
    `${BASE}/../../../etc`,
    '/run/kata-containers',
    '/run/kata-containersX/a',
    `${BASE}/a\0b`,
  ])('refuses the mount point %j before anything is done', async (mountPoint) => {
    const { registry, events } = fixture();
    const request = [storage('a'), storage('b', { mountPoint })];
    await expect(registry.acquire(request, context)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(events).toEqual([]);
  });

  it('lets a second user wait for the first one’s driver, and take over when it failed', async () => {
    const { registry, events, failing, gate } = fixture();
    let resolve = (): void => undefined;
    gate.promise = new Promise((done) => (resolve = done));
    const first = registry.acquire([storage('a')], context);
    const second = registry.acquire([storage('a')], context);
    failing.add('a');
    resolve();
    await expect(first).rejects.toThrow('storage blk s at');
    await expect(second).rejects.toThrow();
    failing.clear();
    const both = await Promise.all([
      registry.acquire([storage('a')], context),
      registry.acquire([storage('a')], context),
    ]);
    expect(events).toEqual(['+a']);
    await Promise.all(both.map((paths) => registry.release(paths, context)));
    expect(events).toEqual(['+a', '-a']);
  });

  it('creates anew only after a release is over', async () => {
    const { registry, events } = fixture();
    const paths = await registry.acquire([storage('a')], context);
    const released = registry.release(paths, context);
    const again = registry.acquire([storage('a')], context);
    await Promise.all([released, again]);
    expect(events).toEqual(['+a', '-a', '+a']);
  });
});
