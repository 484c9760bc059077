import { describe, expect, it } from 'vitest';
import { AbortController, neverAborted } from '../../../../agent/src/base/abort.ts';
import { DeviceWaiters } from '../../../../agent/src/guest/device/device-waiters.ts';

function fixture(): { waiters: DeviceWaiters; expire: () => void; timers: Set<() => void> } {
  const timers = new Set<() => void>();
  const waiters = new DeviceWaiters((_delayMs, onExpiry) => {
    timers.add(onExpiry);
    return () => void timers.delete(onExpiry);
  });
  return { waiters, timers, expire: () => timers.forEach((each) => each()) };
}

describe('DeviceWaiters', () => {
  it('answers at once when the device is there already', async () => {
    const { waiters, timers } = fixture();
    const found = waiters.wait({ what: 'x', probe: () => 'vda', timeoutMs: 3000, signal: neverAborted });
    expect(await found).toBe('vda');
    expect(waiters.isNeeded).toBe(false);
    expect(timers.size).toBe(0);
  });

  it('looks again at each hint', async () => {
    const { waiters, timers } = fixture();
    let node: string | undefined;
    const found = waiters.wait({ what: 'x', probe: () => node, timeoutMs: 3000, signal: neverAborted });
    waiters.rescan();
    expect(waiters.isNeeded).toBe(true);
    node = 'vdb';
    waiters.rescan();
    expect(await found).toBe('vdb');
    expect(timers.size).toBe(0);
  });

  it('looks once more before it gives up, so a lost event does not matter', async () => {
    const { waiters, expire } = fixture();
    let node: string | undefined;
    const found = waiters.wait({ what: 'x', probe: () => node, timeoutMs: 3000, signal: neverAborted });
    node = 'vdc';
    expire();
    expect(await found).toBe('vdc');
  });

  it('gives up with the text that hosts know and leaves nothing behind', async () => {
    const { waiters, expire } = fixture();
    const found = waiters.wait({ what: 'virtio-blk', probe: () => undefined, timeoutMs: 3000, signal: neverAborted });
    expire();
    await expect(found).rejects.toMatchObject({
      code: 'internal',
      message: 'Timeout after 3s waiting for uevent virtio-blk',
    });
    expect(waiters.isNeeded).toBe(false);
  });

  it('passes on what the probe throws, null included', async () => {
    const { waiters } = fixture();
    const failing = (error: unknown) =>
      waiters.wait({
        what: 'x',
        probe: () => {
          throw error;
        },
        timeoutMs: 1,
        signal: neverAborted,
      });
    await expect(failing(new Error('no bridge'))).rejects.toThrow('no bridge');
    await expect(failing(null)).rejects.toThrow('out of memory');
    expect(waiters.isNeeded).toBe(false);
  });

  it('ends with the caller', async () => {
    const { waiters, timers } = fixture();
    const controller = new AbortController();
    const found = waiters.wait({ what: 'x', probe: () => undefined, timeoutMs: 1, signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(found).rejects.toThrow('gone');
    expect(timers.size).toBe(0);
    const late = waiters.wait({ what: 'x', probe: () => 'vda', timeoutMs: 1, signal: controller.signal });
    await expect(late).rejects.toThrow('gone');
  });

  it('one waiter’s failure does not disturb the others', async () => {
    const { waiters } = fixture();
    let isReady = false;
    const bad = waiters.wait({
      what: 'bad',
      probe: () => {
        if (isReady) throw new Error('bad');
        return undefined;
      },
      timeoutMs: 1,
      signal: neverAborted,
    });
    const good = waiters.wait({ what: 'good', probe: () => isReady || undefined, timeoutMs: 1, signal: neverAborted });
    isReady = true;
    waiters.rescan();
    await expect(bad).rejects.toThrow('bad');
    expect(await good).toBe(true);
  });
});
