import { assertNever } from '../../agent/src/base/assert-never.ts';
import { nvdimmRoom, rootArguments } from './guest-root.ts';
import type { Machine } from './machine.ts';
import type { QemuConfig } from './qemu-config.ts';
import { quoteOptionValue } from './quote-option.ts';

/** Requests in flight on the shared directory; the size that Kata uses. */
const VIRTIO_FS_QUEUE_SIZE = 1024;

function machineArguments(config: QemuConfig): string[] {
  const accelerator = config.accelerator === 'tcg' ? 'tcg,thread=multi' : 'kvm';
  const room = nvdimmRoom(config.root, config.memoryMib);
  switch (config.machine) {
    case 'q35':
      return [
        ...[
          '-machine',
          `q35,memory-backend=mem0,smm=off,vmport=off,sata=off,smbus=off${room.machine}`,
          '-accel',
          accelerator,
        ],
        // Firmware that only starts a kernel, 0.2 s sooner than SeaBIOS; part of QEMU's data.
        ...(config.firmware === undefined ? [] : ['-bios', config.firmware]),
      ];
    case 'microvm': {
      // With ACPI the kernel finds no clock to measure the TSC with, so it has to do without power-off.
      // Without KVM there is no paravirtual clock, so the timer and interrupt controllers of the PC stay.
      const legacy = config.accelerator === 'tcg' ? 'pit=on,pic=on,rtc=on' : 'pit=off,pic=off,rtc=on';
      const serial = config.console === 'ttyS0' ? 'on' : 'off';
      const options = `microvm,memory-backend=mem0,${legacy},isa-serial=${serial},acpi=off,pcie=off,x-option-roms=off`;
      // The virtio-fs daemon refuses the pre-1.0 form of virtio, which is QEMU's default on virtio-mmio.
      return ['-machine', options, '-accel', accelerator, '-global', 'virtio-mmio.force-legacy=false'];
    }
    case 'virt':
      return ['-machine', 'virt,memory-backend=mem0,gic-version=max,acpi=off', '-accel', accelerator];
    default:
      return assertNever(config.machine);
  }
}

/** Devices have two forms: on PCI, and on a virtio-mmio slot. */
function device(machine: Machine, name: string, options: readonly string[] = []): string[] {
  const suffix = machine === 'microvm' ? 'device' : 'pci';
  return ['-device', [`${name}-${suffix}`, ...options].join(',')];
}

function consoleArguments(config: QemuConfig): string[] {
  const stream = ['-chardev', `socket,id=console0,fd=${config.consoleFd}`];
  if (config.console === 'ttyS0') return [...stream, '-serial', 'chardev:console0'];
  return [
    ...stream,
    ...device(config.machine, 'virtio-serial', ['id=serial0']),
    '-device',
    'virtconsole,chardev=console0,id=hvc0',
  ];
}

function vsockArguments(config: QemuConfig): string[] {
  switch (config.vsock.kind) {
    case 'vhost-user':
      return [
        '-chardev',
        `socket,id=vsock0,path=${quoteOptionValue(config.vsock.socketPath)}`,
        ...device(config.machine, 'vhost-user-vsock', ['chardev=vsock0']),
      ];
    case 'vhost-kernel':
      return device(config.machine, 'vhost-vsock', [`guest-cid=${config.vsock.cid}`]);
    default:
      return assertNever(config.vsock);
  }
}

function shareArguments(config: QemuConfig): string[] {
  if (config.share === undefined) return [];
  return [
    '-chardev',
    `socket,id=share0,path=${quoteOptionValue(config.share.socketPath)}`,
    ...device(config.machine, 'vhost-user-fs', [
      'chardev=share0',
      `tag=${config.share.tag}`,
      `queue-size=${VIRTIO_FS_QUEUE_SIZE}`,
    ]),
  ];
}

/**
 * QEMU's arguments. The guest's memory is a shared memfd, because vhost-user programs map it; `-no-reboot` turns a panic
 * (which reboots) into an exit; QMP and the console are inherited sockets, so there is no path to race for.
 */
export function qemuArguments(config: QemuConfig): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-no-reboot', '-nic', 'none'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny'],
    ...machineArguments(config),
    ...['-cpu', config.accelerator === 'kvm' ? 'host,pmu=off' : 'max'],
    ...['-smp', `${config.cpus}`, '-m', `${config.memoryMib}M${nvdimmRoom(config.root, config.memoryMib).memory}`],
    ...['-object', `memory-backend-memfd,id=mem0,size=${config.memoryMib}M,share=on`],
    ...['-kernel', config.kernel, '-append', config.commandLine],
    ...rootArguments(config.root, config.machine),
    ...['-chardev', `socket,id=qmp0,fd=${config.qmpFd}`, '-mon', 'chardev=qmp0,mode=control'],
    ...consoleArguments(config),
    ...['-object', 'rng-random,id=rng0,filename=/dev/urandom', ...device(config.machine, 'virtio-rng', ['rng=rng0'])],
    ...vsockArguments(config),
    ...shareArguments(config),
    ...config.extra,
  ];
}
