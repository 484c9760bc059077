import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../../agent/build/image.ts';
import { releaseAgent, runtimeOf } from '../../support/repository.ts';
import { eventually } from '../../support/eventually.ts';
import { exitOf, useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();
const folder = mkdtempSync(join(tmpdir(), 'kihon-image-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Bytes behind the image that say what is in it. */
const TRAILER_BYTES = 120;

function version(program: string): string {
  return execFileSync(program, ['--version'], { encoding: 'utf8' });
}

/** The runtime with other last bytes, in a place where it has the right name. */
function altered(name: string, alter: (bytes: Buffer) => Buffer): string {
  const path = join(folder, name, 'kihon-oci');
  mkdirSync(join(folder, name));
  writeFileSync(path, alter(readFileSync(runtimeOf(releaseAgent))), { mode: 0o755 });
  return path;
}

describe('the image of the runtime', () => {
  it('is what a start goes on from: the interpreter’s memory is that of the file', async () => {
    const container = await runtime().prepare('sleep 100');
    const child = runtime().spawn(['run', '--bundle', container.bundle.path, container.id], 'ignore');
    await eventually(async () => expect(await container.status()).toBe('running'));
    const maps = readFileSync(`/proc/${String(child.pid)}/maps`, 'utf8').split('\n');
    const fromFile = maps.filter((line) => /^4[0-9a-f]{8}-/.test(line) && !/ 00:00 0 *$/.test(line));
    expect(fromFile.length).toBeGreaterThan(0);
    await container.kill('KILL');
    expect(await exitOf(child)).toBe(137);
  });

  it('is the same bytes whenever, wherever and by whomever it is made', () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second', 'deeper')];
    mkdirSync(second, { recursive: true });
    const elf = join(second, 'kihon-agent');
    copyFileSync(releaseAgent, elf);
    buildRuntime(releaseAgent, first);
    buildRuntime(elf, join(second, 'kihon-oci'));
    expect(readFileSync(join(second, 'kihon-oci')).equals(readFileSync(first))).toBe(true);
  });

  it('is left alone when it is not of this program, and the program loads as without one', () => {
    const expected = version(altered('whole', (bytes) => bytes));
    expect(expected).toContain('kihon-oci version');
    expect(version(altered('cut', (bytes) => bytes.subarray(0, bytes.length - 1)))).toBe(expected);
    expect(version(altered('none', () => readFileSync(releaseAgent)))).toBe(expected);
    const otherBuild = (bytes: Buffer): Buffer => {
      const at = bytes.length - TRAILER_BYTES + 72;
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + 16n, at);
      return bytes;
    };
    expect(version(altered('other', otherBuild))).toBe(expected);
    const tooLong = (bytes: Buffer): Buffer => {
      bytes.writeBigUInt64LE(1n << 40n, bytes.length - TRAILER_BYTES + 56);
      return bytes;
    };
    expect(version(altered('long', tooLong))).toBe(expected);
  });
});
