import { describe, expect, test } from 'vitest';
import type { QemuConfig } from '../../../../host/vm/qemu-config.ts';
import { qemuArguments } from '../../../../host/vm/qemu-arguments.ts';
import { quoteOptionValue } from '../../../../host/vm/quote-option.ts';

const config: QemuConfig = {
  machine: 'q35',
  accelerator: 'tcg',
  memoryMib: 256,
  cpus: 2,
  kernel: '/k',
  root: { kind: 'initrd', path: '/i' },
  commandLine: 'quiet console=hvc0',
  console: 'hvc0',
  vsock: { kind: 'vhost-user', socketPath: '/run/kihon/a/vhost.sock' },
  share: { socketPath: '/run/kihon/a/share.sock', tag: 'kataShared' },
  qmpFd: 3,
  consoleFd: 4,
  extra: [],
};

/** Values of an option that may appear more than once. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ''] : []));
}

describe('qemuArguments', () => {
  test('a q35 has its devices on PCI', () => {
    expect(valuesOf(qemuArguments(config), '-device')).toEqual([
      'virtio-serial-pci,id=serial0',
      'virtconsole,chardev=console0,id=hvc0',
      'virtio-rng-pci,rng=rng0',
      'vhost-user-vsock-pci,chardev=vsock0',
      'vhost-user-fs-pci,chardev=share0,tag=kataShared,queue-size=1024',
    ]);
  });

  test('a microvm has the same devices on virtio-mmio', () => {
    const devices = valuesOf(qemuArguments({ ...config, machine: 'microvm' }), '-device');
    expect(devices.filter((device) => device.includes('-pci'))).toEqual([]);
    expect(devices).toContain('vhost-user-vsock-device,chardev=vsock0');
  });

  test('memory is shared, for the vhost-user programs map it', () => {
    const args = qemuArguments(config);
    expect(valuesOf(args, '-object')[0]).toBe('memory-backend-memfd,id=mem0,size=256M,share=on');
    expect(valuesOf(args, '-machine')[0]).toContain('memory-backend=mem0');
    expect(valuesOf(args, '-m')).toEqual(['256M']);
  });

  test.each([
    ['tcg', 'tcg,thread=multi', 'max'],
    ['kvm', 'kvm', 'host,pmu=off'],
  ] as const)('%s takes its own accelerator and CPU model', (accelerator, accel, cpu) => {
    const args = qemuArguments({ ...config, accelerator });
    expect(valuesOf(args, '-accel')).toEqual([accel]);
    expect(valuesOf(args, '-cpu')).toEqual([cpu]);
  });

  test("the host kernel's vsock needs a CID and no socket", () => {
    const args = qemuArguments({ ...config, vsock: { kind: 'vhost-kernel', cid: 77 } });
    expect(valuesOf(args, '-device')).toContain('vhost-vsock-pci,guest-cid=77');
    expect(args.join(' ')).not.toContain('vsock0');
  });

  test('without a shared directory there is no such device', () => {
    expect(qemuArguments({ ...config, share: undefined }).join(' ')).not.toContain('vhost-user-fs');
  });

  test('the legacy serial port takes the console when asked for', () => {
    const args = qemuArguments({ ...config, console: 'ttyS0' });
    expect(valuesOf(args, '-serial')).toEqual(['chardev:console0']);
    expect(args.join(' ')).not.toContain('virtconsole');
  });

  test('extra arguments come last', () => {
    expect(qemuArguments({ ...config, extra: ['-S'] }).at(-1)).toBe('-S');
  });

  test('commas in a path cannot start another option', () => {
    expect(quoteOptionValue('/a,b')).toBe('/a,,b');
  });
});

test('a PC starts with the given firmware', () => {
  const args = qemuArguments({ ...config, firmware: '/usr/share/qemu/qboot.rom' });
  expect(args[args.indexOf('-bios') + 1]).toBe('/usr/share/qemu/qboot.rom');
  expect(qemuArguments(config)).not.toContain('-bios');
});
