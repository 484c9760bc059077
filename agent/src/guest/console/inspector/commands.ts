/** The questions that the inspector answers. Everything is read anew for each; nothing is written. */
import { parseMountInfo } from '../../../codec/mountinfo.ts';
import { keyedCounts } from '../../metrics/family.ts';
import type { InspectorCommand } from './inspector.ts';
import type { ContainerRow, InspectorWorld } from './inspector-world.ts';
import { formatBytes, table } from './printable.ts';
import { listProcesses } from './list-processes.ts';

/** Lines shown when the operator names no number. */
const DEFAULT_LINES = 50;
const MAX_LINES = 1000;

/** Files of a cgroup that are shown, as far as there are such. */
const CGROUP_FILES = [
  ...[
    'cgroup.events',
    'cgroup.procs',
    'cpu.max',
    'cpu.stat',
    'cpu.pressure',
    'io.stat',
    'io.pressure',
    'memory.current',
  ],
  ...[
    'memory.max',
    'memory.high',
    'memory.swap.current',
    'memory.events',
    'memory.pressure',
    'pids.current',
    'pids.max',
  ],
];

/** The argument as a number of lines. */
export function lineCount(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  if (!/^\d{1,6}$/.test(text)) throw new Error(`${JSON.stringify(text)} is not a number of lines`);
  return Math.min(MAX_LINES, Number(text));
}

function lastLines(lines: readonly string[], count: string | undefined): string {
  const wanted = lineCount(count);
  return wanted === 0 ? '' : lines.slice(-wanted).join('\n');
}

function command(usage: string, purpose: string, run: InspectorCommand['run']): InspectorCommand {
  return { usage, purpose, run };
}

/** All commands by their names. */
export function inspectorCommands(world: InspectorWorld): Record<string, InspectorCommand> {
  const read = (path: string): string => world.files.tryRead(path)?.trimEnd() ?? `${path}: not there`;
  const containerOf = (id: string): ContainerRow => {
    const found = world.containers().find((row) => row.id === id);
    if (found === undefined) throw new Error(`no container ${JSON.stringify(id)}`);
    return found;
  };
  return {
    containers: command('containers', 'containers of the sandbox', () => describeContainers(world)),
    ps: command('ps [CONTAINER]', 'processes of the guest, or of one container', ([id]) =>
      listProcesses(world.files, world.containers(), id === undefined ? undefined : containerOf(id)),
    ),
    mounts: command('mounts', 'mounts of the guest', () => describeMounts(read('/proc/self/mountinfo'))),
    memory: command('memory', 'memory of the guest, and who waits for it', () => describeMemory(read)),
    cgroup: command('cgroup [CONTAINER]', 'limits and counters of a container, or of the guest', ([id]) =>
      describeCgroup(world, id === undefined ? '/sys/fs/cgroup' : containerOf(id).cgroup),
    ),
    log: command('log [LINES]', "the end of the agent's log", ([count]) => lastLines(world.logTail(), count)),
    dmesg: command('dmesg [LINES]', "the end of the kernel's log", ([count]) =>
      lastLines(world.kernelMessages(), count),
    ),
    interfaces: command('interfaces', 'network interfaces and their addresses', () => describeInterfaces(world)),
    routes: command('routes', 'the main routing table', () => describeRoutes(world)),
    devices: command('devices', 'disks, and devices on the PCI and virtio buses', () => describeDevices(world)),
    uptime: command('uptime', 'time since boot, and load', () => describeUptime(read)),
    version: command('version', 'agent and kernel', () => `agent ${world.version}\n${read('/proc/version')}`),
  };
}

function describeContainers(world: InspectorWorld): string {
  const rows = world.containers().map(({ id, status, pid, cgroup }) => [id, status, String(pid ?? '-'), cgroup ?? '-']);
  const title = `sandbox ${world.sandboxId() === '' ? '(none yet)' : world.sandboxId()}, containers: ${rows.length}`;
  return rows.length === 0 ? title : `${title}\n${table([['CONTAINER', 'STATUS', 'PID', 'CGROUP'], ...rows])}`;
}

function describeMounts(text: string): string {
  const rows = parseMountInfo(text).map(({ mountPoint, fsType, source, options }) => [
    ...[mountPoint, fsType, source, options],
  ]);
  return table([['TARGET', 'TYPE', 'SOURCE', 'OPTIONS'], ...rows]);
}

const MEMORY_NAMES =
  'MemTotal MemFree MemAvailable Cached Active Inactive AnonPages Shmem Slab SwapTotal SwapFree Dirty';

function describeMemory(read: (path: string) => string): string {
  const values = keyedCounts(read('/proc/meminfo'));
  const rows = MEMORY_NAMES.split(' ').map((name) => [name, formatBytes((values.get(name) ?? 0n) * 1024n)]);
  return `${table(rows)}\n/proc/pressure/memory:\n${read('/proc/pressure/memory')}`;
}

function describeCgroup({ files }: InspectorWorld, path: string | undefined): string {
  if (path === undefined) throw new Error('this machine has no cgroup v2');
  const found = CGROUP_FILES.flatMap((name) => {
    const text = files.tryRead(`${path}/${name}`)?.trimEnd();
    if (text === undefined || text === '') return [];
    return [text.includes('\n') ? `${name}:\n  ${text.replaceAll('\n', '\n  ')}` : `${name}: ${text}`];
  });
  return [path, ...found].join('\n');
}

function describeInterfaces(world: InspectorWorld): string {
  return table([
    ['NAME', 'HARDWARE ADDRESS', 'MTU', 'ADDRESSES'],
    ...world
      .interfaces()
      .map(({ name, hardwareAddress, mtu, addresses }) => [
        ...[name, hardwareAddress, String(mtu)],
        addresses.map(({ address, mask }) => `${address}/${mask}`).join(' '),
      ]),
  ]);
}

function describeRoutes(world: InspectorWorld): string {
  return table([
    ['DESTINATION', 'GATEWAY', 'DEVICE', 'SOURCE'],
    ...world
      .routes()
      .map(({ destination, gateway, device, source }) => [
        ...[destination === '' ? 'default' : destination, gateway === '' ? '-' : gateway, device, source],
      ]),
  ]);
}

/** Sectors of `/sys/block/*\/size` (Documentation/block/stat). */
const SECTOR_BYTES = 512n;

function describeDevices({ files }: InspectorWorld): string {
  const line = (path: string): string => files.tryRead(path)?.trim() ?? '-';
  const driver = (path: string): string => files.tryLinkName(`${path}/driver`) ?? '-';
  const list = (path: string): string[] => [...(files.tryList(path) ?? [])].sort();
  const disks = list('/sys/block').map((name) => {
    const sectors = line(`/sys/block/${name}/size`);
    const size = /^\d+$/.test(sectors) ? formatBytes(BigInt(sectors) * SECTOR_BYTES) : '-';
    return [
      name,
      line(`/sys/block/${name}/dev`),
      size,
      line(`/sys/block/${name}/ro`) === '1' ? 'read-only' : 'writable',
    ];
  });
  const buses = ['pci', 'virtio'].flatMap((bus) =>
    list(`/sys/bus/${bus}/devices`).map((name) => {
      const path = `/sys/bus/${bus}/devices/${name}`;
      return [`${bus} ${name}`, `${line(`${path}/vendor`)}:${line(`${path}/device`)}`, driver(path)];
    }),
  );
  return `${table([['DISK', 'NUMBER', 'SIZE', ''], ...disks])}\n${table([['DEVICE', 'ID', 'DRIVER'], ...buses])}`;
}

function describeUptime(read: (path: string) => string): string {
  const text = read('/proc/uptime');
  if (!/^\d{1,15}\./.test(text)) return text;
  const seconds = Math.trunc(Number(text.split(' ')[0]));
  const parts = [Math.trunc(seconds / 86400), Math.trunc(seconds / 3600) % 24, Math.trunc(seconds / 60) % 60];
  return `up ${parts[0]} d ${parts[1]} h ${parts[2]} min ${seconds % 60} s, load ${read('/proc/loadavg')}`;
}
