import type { ContainerRow, InspectorWorld } from './inspector-world.ts';
import { formatBytes, table } from './printable.ts';

/** Processes shown. */
const MAX_PROCESSES = 500;
/** Characters shown of a command line. */
const MAX_COMMAND = 80;

const field = (status: string, name: string): string =>
  new RegExp(`^${name}:[ \t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';

/** The path in the v2 hierarchy: `0::/path`. */
const cgroupOf = (text: string): string => /^0::(.*)$/m.exec(text)?.[1] ?? '';

/** A table of processes: of the guest, or of those in a container's cgroup. Never their environment. */
export function listProcesses(
  files: InspectorWorld['files'],
  containers: readonly ContainerRow[],
  only: ContainerRow | undefined,
): string {
  // What `/proc` tells begins at the root of the hierarchy.
  const groups = containers.flatMap(({ id, cgroup }) =>
    cgroup === undefined ? [] : [{ id, path: cgroup.replace(/^\/sys\/fs\/cgroup/, '') }],
  );
  const ownerOf = (path: string): string =>
    groups.find((group) => path === group.path || path.startsWith(`${group.path}/`))?.id ?? '-';
  const rows: string[][] = [];
  let left = 0;
  for (const pid of (files.tryList('/proc') ?? [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)) {
    const row = describeProcess(files, pid, ownerOf);
    if (row === undefined || (only !== undefined && row[1] !== only.id)) continue;
    if (rows.length < MAX_PROCESSES) rows.push(row);
    else left += 1;
  }
  const text = table([['PID', 'CONTAINER', 'PPID', 'UID', 'STATE', 'RSS', 'COMMAND'], ...rows]);
  return left === 0 ? text : `${text}\n(${left} more)`;
}

function describeProcess(
  files: InspectorWorld['files'],
  pid: number,
  ownerOf: (path: string) => string,
): string[] | undefined {
  try {
    const status = files.tryRead(`/proc/${pid}/status`);
    if (status === undefined) return undefined;
    const words = (files.tryRead(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
    const name = field(status, 'Name');
    return [
      String(pid),
      ownerOf(cgroupOf(files.tryRead(`/proc/${pid}/cgroup`) ?? '')),
      field(status, 'PPid'),
      field(status, 'Uid').split(/\s+/)[0] ?? '',
      field(status, 'State').slice(0, 1),
      formatBytes(BigInt(field(status, 'VmRSS').split(' ')[0] ?? '0') * 1024n),
      // Threads of the kernel have no command line.
      words === '' ? `[${name}]` : words.length > MAX_COMMAND ? `${words.slice(0, MAX_COMMAND)}...` : words,
    ];
  } catch {
    // Gone meanwhile (ESRCH).
    return undefined;
  }
}
