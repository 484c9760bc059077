import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Mount points of a process's namespace with file system type and root, without the numbers that change. Sorted. */
export function mountTable(pid: number): string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [front = '', back = ''] = line.split(' - ');
      const [, , , root, mountPoint] = front.split(' ');
      return `${mountPoint} ${back.split(' ')[0]} ${root}`;
    })
    .sort();
}

/** What each open descriptor of a process is: its kind for sockets, pipes and the like, else its path. Sorted. */
export function openDescriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .flatMap((number) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${number}`)];
      } catch {
        return [];
      }
    })
    .map((target) => target.replace(/:\[\d+\]$/, ''))
    .sort();
}

/** How many descriptors below `limit` are open: those that count against it. Inherited ones may be higher. */
export function descriptorsBelow(pid: number, limit: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((number) => Number(number) < limit).length;
}

/** A child of a process. */
export interface Child {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
}

/** Name of the agent's helper that makes the processes of containers; it belongs to the agent and to no container. */
export const ZYGOTE = 'kihon-zygote';

/** Children of a process without the agent's zygote, zombies included. */
export function childrenOf(pid: number): Child[] {
  return allChildrenOf(pid).filter(({ name }) => name !== ZYGOTE);
}

/** Children of a process, with name and state, zombies included. */
export function allChildrenOf(pid: number): Child[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return text
    .split(' ')
    .filter((word) => word !== '')
    .flatMap((word) => {
      try {
        const stat = readFileSync(`/proc/${word}/stat`, 'latin1');
        const end = stat.lastIndexOf(')');
        return [
          { pid: Number(word), name: stat.slice(stat.indexOf('(') + 1, end), state: stat.slice(end + 2, end + 3) },
        ];
      } catch {
        return [];
      }
    });
}

/** Everything below a folder, relative, folders ending in `/`. Sorted. */
export function tree(folder: string): string[] {
  const found: string[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = join(relative, entry.name);
      if (entry.isDirectory()) {
        found.push(`${path}/`);
        walk(path);
      } else found.push(path);
    }
  };
  walk('');
  return found.sort();
}

/** Cgroups below `folder`, relative. Sorted. */
export function cgroupsBelow(folder: string): string[] {
  return tree(folder).filter((path) => path.endsWith('/'));
}

/** Anonymous memory in RAM, in KiB: what the program itself holds. */
export function anonymousKib(pid: number): number {
  return statusField(pid, 'RssAnon');
}

/** All resident memory, in KiB. */
export function residentKib(pid: number): number {
  return statusField(pid, 'VmRSS');
}

function statusField(pid: number, name: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'latin1')
    .split('\n')
    .find((candidate) => candidate.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`no ${name} in /proc/${pid}/status`);
  return Number(line.replace(/\D+/g, ' ').trim());
}

/** CPU time used so far by a process, in ms (user and system; the kernel counts 10 ms ticks). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
