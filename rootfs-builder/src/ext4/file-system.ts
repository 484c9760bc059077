import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError, describing } from '../build-error.ts';
import type { FileSystem, FileSystemJob } from '../format/file-system.ts';
import { SparseFile } from '../output/sparse-file.ts';
import { programVersion } from '../programs/program-version.ts';
import { runProgram } from '../programs/run-program.ts';
import { readContent } from '../tree/content.ts';
import { contentSize } from '../tree/entry.ts';
import type { Content } from '../tree/entry.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { Inode } from '../tree/inodes.ts';
import { derivedUuid, uuidText } from '../tree/survey.ts';
import { debugfsScript } from './debugfs-script.ts';
import { MKE2FS_CONFIG } from './mke2fs-config.ts';
import { planXattrs } from './xattr-plan.ts';

/** mke2fs gives an inode to each 16 KiB; a tree of small files needs more, plus the eleven reserved ones and some air. */
const BYTES_PER_INODE = 16_384;
const SPARE_INODES = 64;
/** What Kata's builder reserves for root. */
const RESERVED_PERCENT = 3;

/** ext4 by mkfs.ext4, debugfs and e2fsck, none of which needs root or a loop device for an image file. */
export const ext4FileSystem: FileSystem = {
  write,
  freeOf,
  keepsHoles: true,
  tools: async () => [{ name: 'e2fsprogs', version: await programVersion('mkfs.ext4', ['-V']) }],
};

async function write(job: FileSystemJob): Promise<void> {
  const { tree, time, path, scratch, sizeBytes = 0, signal, progress } = job;
  await make(job, path, sizeBytes, RESERVED_PERCENT);
  progress(0.1);
  await mkdir(scratch('ext4'));
  const sources = await spoolSources(job, scratch('ext4'));
  progress(0.3);
  const script = scratch('ext4.debugfs');
  await writeFile(script, debugfsScript(tree, sources, time));
  const options = { environment: environmentOf(job), ...(signal === undefined ? {} : { signal }) };
  const filled = await runProgram('debugfs', ['-w', '-f', script, path], options);
  refuseComplaints(filled.stderr, sizeBytes);
  progress(0.8);
  await sources.verify();
  // Indexes large directories, as Kata's builder does, and puts right what debugfs cannot (types of sockets, free counts).
  await runProgram('e2fsck', ['-fyD', path], { ...options, accept: [0, 1] });
  await rm(scratch('ext4'), { recursive: true });
  await rm(script);
  progress(1);
}

/** debugfs ends with status 0 whatever happens: it failed if it said anything but its own name. */
function refuseComplaints(stderr: string, sizeBytes: number): void {
  const complaint = stderr.split('\n').find((line) => line.trim() !== '' && !/^debugfs \d/.test(line));
  if (complaint === undefined) return;
  const hint = /no free|no space|could not allocate/i.test(complaint)
    ? `; the file system of ${sizeBytes} bytes is too small for the tree`
    : '';
  throw new BuildError(`debugfs: ${complaint.trim()}${hint}`);
}

async function freeOf(job: Omit<FileSystemJob, 'path'>, sizeBytes: number): Promise<number> {
  const path = job.scratch('ext4.trial');
  try {
    await make(job, path, sizeBytes, 5); // mkfs' own share, as it stands when Kata's builder looks
    const { stdout } = await runProgram('dumpe2fs', ['-h', path]);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(stdout)?.[1] ?? 0);
    return Math.max(0, field('Free blocks') - field('Reserved block count')) * field('Block size');
  } finally {
    await rm(path, { force: true });
  }
}

async function make(
  job: Omit<FileSystemJob, 'path'>,
  path: string,
  sizeBytes: number,
  reservedPercent: number,
): Promise<void> {
  const { tree, survey, scratch, signal } = job;
  await writeFile(scratch('mke2fs.conf'), MKE2FS_CONFIG);
  const uuid = uuidText(derivedUuid(survey.digest, 'ext4'));
  const seed = uuidText(derivedUuid(survey.digest, 'ext4 directory hashes'));
  const own = new Set(namedInodes(tree).map(({ inode }) => inode));
  const { hasValueInodes, valueInodes } = planXattrs(own);
  const needed = own.size + valueInodes + SPARE_INODES;
  const inodes = Math.max(Math.floor(sizeBytes / BYTES_PER_INODE), needed);
  await writeFile(path, '', { flag: 'wx' });
  const options = [
    ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-U', uuid, '-m', String(reservedPercent), '-N', String(inodes)],
    // Only where a tree needs it, as older programs do not know it.
    ...(hasValueInodes ? ['-O', 'ea_inode'] : []),
    ...['-E', `hash_seed=${seed},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`],
  ];
  await runProgram('mkfs.ext4', [...options, path, `${Math.floor(sizeBytes / 1024)}k`], {
    environment: environmentOf(job),
    ...(signal === undefined ? {} : { signal }),
  });
}

function environmentOf({ time, scratch }: Pick<FileSystemJob, 'time' | 'scratch'>): Record<string, string> {
  return {
    MKE2FS_CONFIG: scratch('mke2fs.conf'),
    // 0 would mean "no override" to e2fsprogs, and so the clock.
    E2FSPROGS_FAKE_TIME: String(Math.max(1, time)),
    E2FSCK_TIME: String(Math.max(1, time)),
    E2FSCK_CONFIG: '/dev/null',
    DEBUGFS_PAGER: 'cat',
  };
}

/** Puts everything that is not a plain host file into files of `folder`, for debugfs to read. */
async function spoolSources(
  { tree, signal }: FileSystemJob,
  folder: string,
): Promise<Parameters<typeof debugfsScript>[1] & { verify(): Promise<void> }> {
  const files = new Map<number, string | Uint8Array>();
  const values = new Map<Uint8Array, string>();
  const watched: { path: string | Uint8Array; sizeBytes: number }[] = [];
  const inodes = new Set(namedInodes(tree).map(({ inode }) => inode));
  for (const inode of inodes) {
    signal?.throwIfAborted();
    const { entry, ino } = inode;
    for (const [index, value] of [...(entry.xattrs?.values() ?? [])].entries()) {
      const path = `${folder}/${ino}.${index}`;
      await writeFile(path, value);
      values.set(value, path);
    }
    if (entry.kind !== 'file') continue;
    const direct = directPath(entry.content);
    if (direct !== undefined) {
      files.set(ino, direct);
      watched.push({ path: direct, sizeBytes: entry.content.kind === 'host' ? entry.content.sizeBytes : 0 });
      continue;
    }
    const path = `${folder}/${ino}`;
    const spool = await SparseFile.open(path, contentSize(entry.content));
    try {
      await spool.writeStream(readContent(entry.content), 0, signal);
    } finally {
      await spool.close();
    }
    files.set(ino, path);
  }
  const missing = (inode: Inode): never => {
    throw new BuildError(`ext4: ${inode.entry.path}: no bytes for it`);
  };
  return {
    fileOf: (inode) => files.get(inode.ino) ?? missing(inode),
    xattrOf: (inode, _, value) => values.get(value) ?? missing(inode),
    verify: async () => {
      for (const { path, sizeBytes } of watched) {
        const shown = typeof path === 'string' ? path : decodeBytes(path);
        const { size } = await describing(`read ${shown}`, () => lstat(Buffer.from(path as string)));
        if (size !== sizeBytes) throw new BuildError(`read ${shown}: the file changed while it was read`);
      }
    },
  };
}

/** The host file itself, when debugfs can read it: whole, and with a name that fits a line of its script. */
function directPath(content: Content): string | Uint8Array | undefined {
  if (content.kind !== 'host' || content.offset !== undefined) return undefined;
  const bytes = Buffer.from(content.path as string);
  return bytes.includes(0x0a) || bytes.length > 2048 || bytes[0] !== 0x2f ? undefined : content.path;
}
