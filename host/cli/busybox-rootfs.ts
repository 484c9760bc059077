import { copyFile, mkdir, mkdtemp, open, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxCandidates, type AssetPlaces } from '../vm/assets.ts';
import { findProgram } from '../vm/find-program.ts';
import { HostError } from '../vm/host-error.ts';

/** Commands of the demonstration. */
const APPLETS = [
  'sh',
  'cat',
  'echo',
  'uname',
  'hostname',
  'id',
  'ls',
  'ps',
  'mount',
  'free',
  'sleep',
  'stty',
  'tty',
  'true',
];

const HEAD_BYTES = 4096;

/** True when the program needs an interpreter (a PT_INTERP header, elf(5), whose path is near the start). */
async function isDynamic(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const head = Buffer.alloc(HEAD_BYTES);
  await file.read(head, 0, HEAD_BYTES, 0);
  return head.includes('/ld-linux') || head.includes('/ld-musl');
}

/**
 * Makes a root filesystem of one static busybox in a new temporary directory; removing it is the caller's.
 *
 * @throws HostError when the host has no static busybox
 */
export async function makeBusyboxRootfs(places: AssetPlaces): Promise<string> {
  const busybox = findProgram(busyboxCandidates(places));
  if (busybox === undefined || (await isDynamic(busybox))) {
    throw new HostError('no static busybox on this host', { hint: 'apt-get install busybox-static' });
  }
  const root = await mkdtemp(join(tmpdir(), 'kihon-demo-'));
  for (const folder of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'root']) await mkdir(join(root, folder));
  await copyFile(busybox, join(root, 'bin', 'busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(root, 'bin', applet));
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc', 'group'), 'root:x:0:\ntty:x:5:\n');
  return root;
}
