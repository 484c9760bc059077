/** Builds that are ended in the middle: by SIGKILL, after which the next one goes on, and by a terminal's ctrl-C. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { BuildEvent } from '../../../rootfs-builder/src/build/events.ts';
import { findInPath } from '../../../rootfs-builder/src/process/find-in-path.ts';
import { writeTar } from '../../../rootfs-builder/src/tar/write-tar.ts';
import { noise, richTree } from '../../unit/rootfs-builder/rich-tree.ts';
import { collect } from '../../unit/rootfs-builder/support.ts';
import { eventually } from '../eventually.ts';
import { digestsBelow } from './digests-below.ts';
import { bundleKihon } from './kihon-command.ts';

/** A line of `--json`. */
export type EventLine =
  | BuildEvent
  | { readonly event: 'result'; readonly isCached: boolean }
  | { readonly event: 'error'; readonly message: string; readonly interrupted: boolean };

/** One recipe. */
export interface EndedRow {
  readonly kind: 'image' | 'initrd' | 'rootfs';
  /** The recipe's `base`, by default an archive that no program unpacks. */
  readonly base?: string;
  /** More archives, each unpacked by a program. */
  readonly archives?: readonly 'base.tar.zst'[];
  /** The recipe's `[output]`. */
  readonly output: string;
}

/** What all builds of a test read. */
export interface EndedFixture {
  readonly folder: string;
  readonly kihon: string;
}

/** Puts the command, an archive as base and a stand-in for the agent into `folder`. The archive has some bytes that do not compress. */
export async function prepareEndedFixture(folder: string, noiseBytes: number): Promise<EndedFixture> {
  const kihon = await bundleKihon(folder);
  writeFileSync(join(folder, 'agent'), Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(99_000, 'a')]));
  const tree = richTree().file('usr/share/noise', noise(noiseBytes));
  writeFileSync(join(folder, 'base.tar'), await collect(writeTar(tree, 1_700_000_000)));
  execFileSync('zstd', ['-q', '-1', join(folder, 'base.tar')]);
  return { folder, kihon };
}

function recipeText({ base = '"tar:../base.tar"', archives = [], output }: EndedRow): string {
  return [
    `base = ${base}`,
    ...['[agent]', 'binary = "../agent"'],
    ...archives.flatMap((name) => ['[[archive]]', `source = "../${name}"`]),
    ...['[output]', output, ''],
  ].join('\n');
}

/** How a build ended, and what it said. */
export interface EndedBuild {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly events: readonly EventLine[];
  readonly stderr: string;
}

/** One build in a folder of its own, as often as it takes. */
export class RepeatedBuild {
  readonly #fixture: EndedFixture;
  readonly #row: EndedRow;
  readonly #place: string;

  constructor(fixture: EndedFixture, row: EndedRow, name: string) {
    this.#fixture = fixture;
    this.#row = row;
    this.#place = join(fixture.folder, name);
    mkdirSync(join(this.#place, 'out'), { recursive: true });
    writeFileSync(join(this.#place, 'guest.toml'), recipeText(row));
  }

  /** Builds, under a program such as a tracer if one is given. */
  async run(wrapper: readonly string[] = [], folderOfPrograms?: string): Promise<EndedBuild> {
    return await this.#start(wrapper, folderOfPrograms).ended;
  }

  /**
   * Builds until `program` has done a part of its work, which then never ends, and calls `end` with the build's process, which leads a
   * group of its own as in a shell. Nothing is left of the program.
   */
  async runUntil(program: string, end: (pid: number) => void): Promise<EndedBuild> {
    const folder = join(this.#place, 'programs');
    const mark = join(folder, 'mark');
    const own = findInPath(program);
    if (own === undefined) throw new Error(`${program} is not installed`);
    mkdirSync(folder);
    const script = [
      '#!/bin/sh',
      `case "$*" in *-V* | *--version*) exec ${own} "$@" ;; esac`,
      `${own} "$@" | head -c 200000`,
      `echo $$ >${mark}`,
      'exec sleep 1000',
    ];
    writeFileSync(join(folder, program), `${script.join('\n')}\n`, { mode: 0o755 });
    const { pid, ended } = this.#start([], folder);
    try {
      const hasEnded = await Promise.race([eventually(() => sleeperOf(mark), 60_000), ended]);
      if (typeof hasEnded === 'object')
        throw new Error(`the build has ended before ${program} was run: ${hasEnded.stderr}`);
      end(pid);
      return await ended;
    } finally {
      kill(-pid);
      // A program that has a group of its own.
      try {
        kill(sleeperOf(mark));
      } catch {
        // It is gone, or was never started.
      }
    }
  }

  #start(wrapper: readonly string[], folderOfPrograms?: string): { pid: number; ended: Promise<EndedBuild> } {
    const recipe = join(this.#place, 'guest.toml');
    const args = [this.#fixture.kihon, 'build', this.#row.kind, recipe, '--json', '--output', 'guest'];
    const [program = '', ...rest] = [...wrapper, process.execPath, ...args];
    const path = `${process.env.PATH}:/usr/sbin:/sbin`;
    const child = spawn(program, rest, {
      cwd: join(this.#place, 'out'),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: folderOfPrograms === undefined ? path : `${folderOfPrograms}:${path}`,
        KIHON_CACHE: join(this.#place, 'cache'),
        SOURCE_DATE_EPOCH: '1000000000',
        UV_THREADPOOL_SIZE: '1', // calls of the kernel come in the same order each time
      },
    });
    const events: EventLine[] = [];
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    createInterface({ input: child.stdout }).on('line', (line) => events.push(JSON.parse(line) as EventLine));
    const ended = new Promise<EndedBuild>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve({ status, signal, events, stderr }));
    });
    return { pid: child.pid ?? 0, ended };
  }

  /** Files beside each other in the output's folder, with their digests. */
  outputs(): Record<string, string> {
    return digestsBelow(join(this.#place, 'out'));
  }

  /** What lies in the output's folder and in those of the cache which hold nothing once a build has ended, hidden names too. */
  leftovers(): string[] {
    const folders = ['out', 'cache/images/tmp', 'cache/images/locks'].map((name) => join(this.#place, name));
    return folders.flatMap((folder) => readdirSync(folder).map((name) => join(relative(this.#place, folder), name)));
  }
}

/** The process in `mark`, once it does nothing any more. Throws until then, and when it has ended. */
function sleeperOf(mark: string): number {
  const pid = Number(readFileSync(mark, 'utf8'));
  if (pid < 2 || readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'sleep\n') throw new Error(`${mark}: not asleep`);
  return pid;
}

/** Ends a process, or with a negative number what is left of a group, if anything is. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}

const hasEvent = (events: readonly EventLine[], name: EventLine['event'], step?: string): boolean =>
  events.some((event) => event.event === name && (step === undefined || ('step' in event && event.step === step)));

/** The build after one that was killed ends well, has kept what that one finished, and leaves what an undisturbed build does. */
export async function expectResumed(
  build: RepeatedBuild,
  killed: EndedBuild,
  undisturbed: Readonly<Record<string, string>>,
): Promise<void> {
  const resumed = await build.run();
  expect(resumed).toMatchObject({ status: 0, stderr: '' });
  const base = resumed.events.find((event) => event.event === 'done' && event.step === 'base');
  // It may be finished and not have been told: between the two lies a moment.
  if (hasEvent(killed.events, 'done', 'base')) expect(base).toMatchObject({ cached: true });
  if (hasEvent(killed.events, 'done', 'output')) expect(resumed.events.at(-1)).toMatchObject({ isCached: true });
  expect(build.outputs()).toEqual(undisturbed);
  expect(build.leftovers().filter((name) => !Object.hasOwn(undisturbed, name.replace('out/', '')))).toEqual([]);
}
