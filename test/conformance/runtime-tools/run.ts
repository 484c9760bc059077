/**
 * Runs the validation programs of OCI runtime-tools with several runtimes and prints a table:
 *
 *     npx tsx test/conformance/runtime-tools/run.ts PROGRAMS [--runtime PATH]... [--only NAME]... [--write docs/conformance.md]
 *
 * PROGRAMS is a folder that holds `runtimetest`, `rootfs-amd64.tar.gz` and `validation/` with the programs, as their own build leaves
 * them. Nothing of runtime-tools is part of this repository. The runtimes are runc, where it is installed, and ours.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { releaseAgent, repository, runtimeOf } from '../../support/repository.ts';
import { reasonFor } from './reasons.ts';
import { judge, parseTap, type Verdict } from './tap.ts';

/** Longest run of one program, in ms: they wait in whole seconds for a container to stop. */
const PROGRAM_MS = 60_000;
/** What a program may print, in bytes. */
const MAX_OUTPUT = 64 << 20;
const BEGIN = '<!-- runtime-tools: begin -->';
const END = '<!-- runtime-tools: end -->';
/** The cgroups of the programs, in each hierarchy; they do not remove them. */
const CGROUPS = ['cgrouptest', 'testdir/cgrouptest/container', 'testdir/cgrouptest', 'testdir'];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** All validation programs below a folder, by name. */
function programsBelow(folder: string): ReadonlyMap<string, string> {
  const found = readdirSync(join(folder, 'validation'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.go'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(isExecutable);
  return new Map(found.map((path) => [basename(path).replace(/\.t$/, ''), path] as const).sort());
}

/** Runs one program. It has a mount namespace of its own and an empty /run, where runtimes keep their state. */
function runProgram(folder: string, program: string, runtime: string, work: string): Verdict {
  const temporary = mkdtempSync(join(work, 'bundles-'));
  // A root that is mapped to another user walks through them.
  chmodSync(work, 0o711);
  chmodSync(temporary, 0o711);
  const script = 'mount -t tmpfs tmpfs /run && exec "$0"';
  const run = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, program], {
    cwd: folder,
    env: { PATH: process.env['PATH'], RUNTIME: runtime, TMPDIR: temporary },
    encoding: 'utf8',
    timeout: PROGRAM_MS,
    maxBuffer: MAX_OUTPUT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  rmSync(temporary, { recursive: true, force: true });
  if (run.error !== undefined) return { kind: 'failed', passed: 0, total: 1, complaints: [run.error.message] };
  return judge(parseTap(run.stdout), run.status ?? 1, run.stderr);
}

function removeCgroups(): void {
  for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')])
    for (const name of CGROUPS) {
      try {
        rmdirSync(join('/sys/fs/cgroup', hierarchy, name));
      } catch {
        // It is not there, or in use by somebody else.
      }
    }
}

function cell(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'passed':
      return `passed (${verdict.total})`;
    case 'failed':
      return `failed (${verdict.passed} of ${verdict.total})`;
    case 'skipped':
      return 'skipped by itself';
    case 'silent':
      return 'no complaint';
  }
}

/** Text for a cell of a Markdown table. */
function plain(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replace(/\s+/g, ' ').slice(0, 160);
}

function tableOf(names: readonly string[], rows: ReadonlyMap<string, readonly Verdict[]>): string {
  const lines = [`| Program | ${names.join(' | ')} | Why |`, `| --- | ${names.map(() => '---').join(' | ')} | --- |`];
  for (const [program, verdicts] of rows) {
    const complaint = verdicts.findLast((verdict) => verdict.complaints.length > 0)?.complaints[0];
    const why = complaint === undefined ? '' : reasonFor(program) || plain(complaint);
    lines.push(`| ${program} | ${verdicts.map(cell).join(' | ')} | ${why} |`);
  }
  return lines.join('\n');
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true },
      write: { type: 'string' },
    },
  });
  const [given] = positionals;
  if (given === undefined) throw new Error('which folder has the programs? See the head of this file');
  const folder = resolve(given);
  const work = mkdtempSync(join(tmpdir(), 'kihon-runtime-tools-'));
  try {
    const own = join(work, 'kihon-oci');
    symlinkSync(runtimeOf(releaseAgent), own);
    const runtimes = [...(values.runtime ?? ['runc']), own];
    const names = runtimes.map((path) => basename(path));
    const rows = new Map<string, readonly Verdict[]>();
    for (const [name, program] of programsBelow(folder)) {
      if (values.only !== undefined && !values.only.includes(name)) continue;
      const verdicts = runtimes.map((runtime) => runProgram(folder, program, runtime, work));
      rows.set(name, verdicts);
      process.stdout.write(`${name.padEnd(32)} ${verdicts.map(cell).join('   ')}\n`);
      verdicts.forEach((verdict, index) => {
        for (const complaint of verdict.complaints) process.stdout.write(`    ${names[index]}: ${plain(complaint)}\n`);
      });
    }
    const table = tableOf(names, rows);
    const results = join(repository, 'build/test');
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, 'runtime-tools.md'), `${table}\n`);
    if (values.write !== undefined) {
      const text = readFileSync(values.write, 'utf8');
      const [before, rest = ''] = text.split(BEGIN);
      const [, after = ''] = rest.split(END);
      writeFileSync(values.write, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
    }
  } finally {
    removeCgroups();
    rmSync(work, { recursive: true, force: true });
  }
}

main();
