import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { BuildError, describing } from '../build-error.ts';
import { hostArchitecture } from '../build/host-architecture.ts';

/** `e_machine` of ELF files (elf.h). */
const MACHINES: Readonly<Record<string, number>> = { x86_64: 62, aarch64: 183, riscv64: 243, ppc64le: 21, s390x: 22 };

/** Applets that programs call by a path in `/sbin`; all others are looked for in PATH. */
const IN_SBIN = new Set(
  'depmod fdisk halt ifconfig insmod losetup lsmod mkswap modprobe poweroff reboot rmmod route swapoff swapon'.split(
    ' ',
  ),
);
/** What begins busybox's table of names, which is sorted: the first two applets. */
const TABLE_START = Buffer.from('\0[\0[[\0', 'latin1');

/**
 * The paths of the links that a busybox wants, relative to the root, without `bin/busybox` itself. A program of this host's architecture is
 * asked; one of another is never started, and its names are read from the table in it. Throws BuildError.
 */
export async function busyboxApplets(program: string): Promise<readonly string[]> {
  const bytes = await describing(`read ${program}`, () => readFile(program));
  const architecture = architectureOf(bytes);
  const isOwn = architecture === undefined || architecture === hostArchitecture();
  const applets = isOwn ? await askedApplets(program) : writtenApplets(bytes, program);
  if (!applets.includes('bin/sh')) throw new BuildError(`${program} --list-full: no bin/sh among its applets`);
  return applets;
}

/** The architecture that an ELF file is for; undefined for other files and architectures. Throws BuildError when it cannot be read. */
export async function programArchitecture(program: string): Promise<string | undefined> {
  return architectureOf(await describing(`read ${program}`, () => readFile(program)));
}

function architectureOf(bytes: Buffer): string | undefined {
  if (bytes.length < 20 || bytes.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  // EI_DATA: 2 is big-endian, which of these only s390x is.
  const machine = bytes[5] === 2 ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18);
  return Object.entries(MACHINES).find(([, number]) => number === machine)?.[0];
}

async function askedApplets(program: string): Promise<readonly string[]> {
  const { stdout } = await describing(`${program} --list-full`, () => promisify(execFile)(program, ['--list-full']));
  return stdout.split('\n').filter((path) => path !== '' && path !== 'bin/busybox');
}

function writtenApplets(bytes: Buffer, program: string): readonly string[] {
  const start = bytes.indexOf(TABLE_START) + 1;
  const end = start === 0 ? -1 : bytes.indexOf('\0\0', start, 'latin1');
  if (end < 0) throw new BuildError(`${program}: no table of applets in it, and it is of another architecture`);
  const names = bytes.toString('latin1', start, end).split('\0');
  const odd = names.find((name) => !/^[a-z0-9_.[-]{1,32}$/i.test(name));
  if (odd !== undefined)
    throw new BuildError(`${program}: ${JSON.stringify(odd.slice(0, 40))} is no name of an applet`);
  return names.filter((name) => name !== 'busybox').map((name) => `${IN_SBIN.has(name) ? 'sbin' : 'bin'}/${name}`);
}
