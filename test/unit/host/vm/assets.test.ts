import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  findVhostDeviceVsock,
  locateInitrd,
  locateKernel,
  locateQemu,
  type AssetPlaces,
} from '../../../../host/vm/assets.ts';

let base = '';
let places: AssetPlaces;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'kihon-test-')));
  places = { home: join(base, 'bin'), architecture: 'x86_64', env: {} };
  mkdirSync(places.home);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function put(path: string, mode = 0o644): string {
  const full = join(base, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, '');
  chmodSync(full, mode);
  return full;
}

describe('locateKernel', () => {
  test('says how to get one when there is none', () => {
    expect(() => locateKernel(places)).toThrow(/no guest kernel/);
    expect(() => locateKernel(places, join(base, 'none'))).toThrow(`no kernel at ${join(base, 'none')}`);
  });

  test('prefers the uncompressed kernel beside the command', () => {
    const vmlinuz = put('bin/x86_64/vmlinuz');
    expect(locateKernel(places)).toBe(vmlinuz);
    const vmlinux = put('bin/x86_64/vmlinux');
    expect(locateKernel(places)).toBe(vmlinux);
  });

  test('finds an installed one, and what the environment or the caller names first', () => {
    const installed = put('share/kata-containers/vmlinux-kihon.container');
    expect(locateKernel(places)).toBe(installed);
    const named = put('named');
    expect(locateKernel({ ...places, env: { KIHON_KERNEL: named } })).toBe(named);
    const given = put('given');
    expect(locateKernel({ ...places, env: { KIHON_KERNEL: named } }, given)).toBe(given);
  });
});

test('locateInitrd() finds a built and an installed one', () => {
  const installed = put('share/kata-containers/kata-containers-initrd-kihon.img');
  expect(locateInitrd(places)).toBe(installed);
  const built = put('bin/x86_64/kihon-initrd.img');
  expect(locateInitrd(places)).toBe(built);
});

test('the packaged kernel comes last and brings its own initrd', () => {
  const packaged = put('bin/x86_64/vmlinuz-packaged');
  put('bin/x86_64/kihon-initrd.img');
  const initrd = put('bin/x86_64/kihon-initrd-packaged.img');
  expect(locateKernel(places)).toBe(packaged);
  expect(locateInitrd(places, undefined, packaged)).toBe(initrd);
  const built = put('bin/x86_64/vmlinuz');
  expect(locateKernel(places)).toBe(built);
  expect(locateInitrd(places, undefined, built)).not.toBe(initrd);
});

test('locateQemu() names the package when the program is not there', () => {
  const env = { KIHON_QEMU: '/nonexistent/qemu' };
  expect(() => locateQemu({ ...places, env })).toThrow(
    expect.objectContaining({ hint: 'apt-get install qemu-system-x86' }),
  );
});

test('findVhostDeviceVsock() finds what the set-up unpacked into the cache', () => {
  const unpacked = put('.cache/debs/vhost-device-vsock/0.3/usr/bin/vhost-device-vsock', 0o755);
  const installed = findVhostDeviceVsock({ ...places, env: { KIHON_VHOST_DEVICE_VSOCK: unpacked } });
  expect(installed).toBe(unpacked);
});
