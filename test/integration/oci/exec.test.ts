import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { OciContainer } from '../../support/oci-runtime.ts';
import { useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();
let container: OciContainer;

beforeEach(async () => {
  container = await runtime().create('sleep 100');
  await container.start();
});

const exec = (options: readonly string[], ...command: readonly string[]) =>
  runtime().command(['exec', ...options, container.id, ...command]);

describe('exec', () => {
  it('gives the exit code and the streams of the program', async () => {
    expect(await exec([], 'sh', '-c', 'echo out; echo err >&2; exit 5')).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      status: 5,
    });
    expect((await exec([], 'sh', '-c', 'kill -KILL $$')).status).toBe(137);
  });

  it('gives 255 when the program cannot be run', async () => {
    const outcome = await exec([], 'nope');
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toContain('nope');
  });

  it('joins the namespaces of the container', async () => {
    const script = 'for n in pid mnt uts ipc net; do readlink /proc/self/ns/$n; done; readlink /proc/1/ns/mnt';
    const { stdout } = await exec([], 'sh', '-c', script);
    const inside = stdout.trimEnd().split('\n');
    expect(inside[1]).toBe(inside[5]);
    expect((await exec([], 'cat', '/proc/1/comm')).stdout).toBe('sleep\n');
  });

  it('takes user, groups, directory and environment', async () => {
    const id = await exec(['-u', '1000:1001', '-g', '5', '-g', '6'], 'sh', '-c', 'id -u; id -g; id -G');
    expect(id.stdout).toBe('1000\n1001\n1001 5 6\n');
    const place = await exec(['--cwd', '/bin', '-e', 'A=1', '--env', 'B=x y'], 'sh', '-c', 'pwd; echo "$A $B"');
    expect(place.stdout).toBe('/bin\n1 x y\n');
  });

  it('adds capabilities, and nothing but those', async () => {
    const read = async (options: readonly string[]): Promise<bigint> => {
      const { stdout } = await exec(options, 'grep', 'CapEff', '/proc/self/status');
      return BigInt(`0x${stdout.trim().split('\t')[1] ?? ''}`);
    };
    const own = await read([]);
    expect(await read(['--cap', 'CAP_SYS_TIME'])).toBe(own | (1n << 25n));
    expect((await exec(['--cap', 'CAP_NOPE'], 'true')).stderr).toContain('unknown capability');
  });

  it('reads the process from a file', async () => {
    const outcome = await container.execProcess({
      args: ['sh', '-c', 'echo $X; pwd'],
      env: ['X=1', 'PATH=/bin'],
      cwd: '/bin',
    });
    expect(outcome.stdout).toBe('1\n/bin\n');
  });

  it('--detach leaves the program running and its number in the file', async () => {
    const file = join(container.bundle.path, 'exec.pid');
    await runtime().succeed(['exec', '-d', '--pid-file', file, container.id, 'sleep', '50']);
    const pid = Number(readFileSync(file, 'utf8'));
    await eventually(() => expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toBe('sleep\x0050\0'));
  });

  it('EXE-04: gives the program no descriptor but its own', async () => {
    const { stdout } = await exec([], 'sh', '-c', 'ls /proc/self/fd');
    expect(stdout.trim().split('\n')).toEqual(['0', '1', '2', '3']);
  });

  it('--preserve-fds of descriptors that are not open is refused', async () => {
    const outcome = await exec(['--preserve-fds', '3'], 'true');
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toContain('preserved descriptor');
  });

  it('many at once end each with its own code', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) => exec([], 'sh', '-c', `sleep 0.1; exit ${index}`)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('in a stopped container is refused', async () => {
    await container.kill('KILL');
    await container.stopped();
    const outcome = await exec([], 'true');
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toContain('cannot exec in a stopped container');
  });

  it('without a console is refused a terminal in the background', async () => {
    expect((await exec(['-d', '-t'], 'sh')).stderr).toContain('without setting console socket');
    expect((await exec(['--console-socket', '/nowhere'], 'sh')).stderr).toContain('cannot use console socket');
  });
});
