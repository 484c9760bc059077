import { createWriteStream } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { FileSystem, FileSystemJob } from '../format/file-system.ts';
import { programVersion } from '../programs/program-version.ts';
import { runProgram } from '../programs/run-program.ts';
import { readContent } from '../tree/content.ts';
import { namedInodes } from '../tree/inodes.ts';
import { derivedUuid, uuidText } from '../tree/survey.ts';
import { INODE_BYTES, inodeNumber, patchInode } from './inode-patch.ts';
import type { InodeFacts } from './inode-patch.ts';
import { dbScript } from './db-script.ts';
import type { DbScript } from './db-script.ts';
import { LINKING_VERSION, protofile } from './protofile.ts';

/** mkfs.xfs refuses less. */
const MIN_BYTES = 300 * 1024 * 1024;

/** XFS by mkfs.xfs and a prototype file; links, attributes and times are put right afterwards. */
export const xfsFileSystem: FileSystem = {
  write,
  freeOf,
  keepsHoles: false,
  tools: async () => [{ name: 'xfsprogs', version: await programVersion('mkfs.xfs', ['-V']) }],
};

async function write(job: FileSystemJob): Promise<void> {
  const { tree, path, scratch, sizeBytes = 0, signal, progress } = job;
  if (sizeBytes < MIN_BYTES)
    throw new BuildError(`xfs: a file system of ${sizeBytes} bytes; mkfs.xfs makes none below ${MIN_BYTES}`);
  const folder = scratch('xfs');
  await mkdir(folder);
  const proto = resolve(scratch('xfs.proto'));
  const isCompleted = await addsLinks();
  await writeFile(
    proto,
    protofile(tree, ({ ino }) => `./${ino}`, isCompleted),
  );
  const added = isCompleted ? dbScript(tree) : undefined;
  for (const { entry, ino } of new Set(namedInodes(tree).map(({ inode }) => inode))) {
    signal?.throwIfAborted();
    if (entry.kind === 'file')
      await pipeline(Readable.from(readContent(entry.content)), createWriteStream(`${folder}/${ino}`));
  }
  progress(0.3);
  // Its words end at white space, so the files are named as seen from their folder.
  await make(job, path, sizeBytes, ['-p', proto], folder);
  progress(0.7);
  if (added !== undefined) await complete(added, resolve(path), folder, signal);
  await putRight(job);
  await rm(folder, { recursive: true });
  await rm(proto);
  progress(1);
}

async function freeOf(job: Omit<FileSystemJob, 'path'>, sizeBytes: number): Promise<number> {
  if (sizeBytes < MIN_BYTES) return 0;
  const path = job.scratch('xfs.trial');
  try {
    await make(job, path, sizeBytes, []);
    const { stdout } = await runProgram('xfs_db', ['-r', '-c', 'sb 0', '-c', 'print fdblocks', path]);
    return Number(/fdblocks = (\d+)/.exec(stdout)?.[1] ?? 0) * 4096;
  } finally {
    await rm(path, { force: true });
  }
}

/** Whether the installed xfs_db can add what the prototype does not say. */
async function addsLinks(): Promise<boolean> {
  const [major = 0, minor = 0] = (await programVersion('xfs_db', ['-V'])).split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = LINKING_VERSION.split('.').map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

/** Adds links and attributes. xfs_db ends with status 0 whatever happens: it failed if it said anything. */
async function complete(
  { commands, files }: DbScript,
  image: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  const options = { input: commands, directory: folder, ...(signal === undefined ? {} : { signal }) };
  const { stdout, stderr } = await runProgram('xfs_db', ['-x', '-f', image], options);
  const said = `${stdout}\n${stderr}`.split('\n').find((line) => line.trim() !== '');
  if (said !== undefined) throw new BuildError(`xfs_db: ${said.trim()}`);
}

/** Everything that mkfs.xfs would take from the host (sectors, stripes, processors) or from its version is given. */
async function make(
  { survey, signal }: Omit<FileSystemJob, 'path'>,
  path: string,
  sizeBytes: number,
  more: readonly string[],
  directory?: string,
): Promise<void> {
  const uuid = uuidText(derivedUuid(survey.digest, 'xfs'));
  const features = `crc=1,finobt=1,inobtcount=1,bigtime=1,reflink=0,rmapbt=0,uuid=${uuid}`;
  const data = `file=1,size=${sizeBytes},noalign,agcount=4`;
  // What became a default lately is nothing that kernels before 6.12 mount.
  const newer = (await addsLinks()) ? ['-i', 'exchange=0,nrext64=0', '-n', 'parent=0'] : [];
  const fixed = ['-q', '-b', 'size=4096', '-s', 'size=512', '-i', `size=${INODE_BYTES}`, '-m', features, ...newer];
  await runProgram('mkfs.xfs', [...fixed, '-d', data, ...more, resolve(path)], {
    ...(signal === undefined ? {} : { signal }),
    ...(directory === undefined ? {} : { directory }),
  });
}

/** Sets the times of all inodes, and the sticky bits. */
async function putRight({ path, time, survey, signal, ...job }: FileSystemJob): Promise<void> {
  const facts = await specialInodes({ ...job, path, survey, time, ...(signal === undefined ? {} : { signal }) });
  const uuid = derivedUuid(survey.digest, 'xfs');
  const handle = await open(path, 'r+');
  try {
    const buffer = Buffer.alloc(1024 * 1024);
    for (let position = 0; ; position += buffer.length) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      for (let at = 0; at + INODE_BYTES <= bytesRead; at += INODE_BYTES) {
        const bytes = buffer.subarray(at, at + INODE_BYTES);
        const number = inodeNumber(bytes, uuid);
        if (number === undefined) continue;
        patchInode(bytes, facts.get(number) ?? { mtime: time, sticky: false });
        await handle.write(bytes, 0, INODE_BYTES, position + at);
      }
    }
  } finally {
    await handle.close();
  }
}

/** By number: the inodes with a sticky bit or a time of their own. */
async function specialInodes({ tree, path, time, signal }: FileSystemJob): Promise<Map<bigint, InodeFacts>> {
  const special = tree
    .entries()
    .filter(({ mode, mtime = time }) => (mode & 0o1000) !== 0 || mtime !== time)
    .map((entry) => ({ path: entry.path === '.' ? '' : entry.path, mtime: entry.mtime ?? time, mode: entry.mode }));
  if (special.length === 0) return new Map();
  const input = special.map((entry) => `path /${entry.path}\nprint v3.inumber\n`).join('');
  const options = { input: encodeBytes(input), ...(signal === undefined ? {} : { signal }) };
  const { stdout } = await runProgram('xfs_db', ['-r', path], options);
  const numbers = [...stdout.matchAll(/v3\.inumber = (\d+)/g)].map(([, digits = '0']) => BigInt(digits));
  if (numbers.length !== special.length)
    throw new BuildError(`xfs_db: found ${numbers.length} of ${special.length} inodes`);
  return new Map(
    special.map(({ mtime, mode }, index) => [numbers[index] ?? 0n, { mtime, sticky: (mode & 0o1000) !== 0 }]),
  );
}
