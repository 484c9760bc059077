import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useRuntime } from '../../support/oci.ts';
import type { OciContainer } from '../../support/oci-runtime.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';

const runtime = useRuntime();
const numbers = { rmdir: 84, mkdir: 83, umask: 95, getppid: 110, sethostname: 170 };

/** A supervisor of containers: it answers their calls (test/support/vm/programs/answer-calls.c). */
class Supervisor {
  readonly socket: string;
  readonly #child: ChildProcess;
  output = '';

  constructor(program: string, folder: string) {
    this.socket = join(folder, 'supervisor.sock');
    this.#child = spawn(program, ['listen', this.socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** How often it was asked about a call. */
  count(call: keyof typeof numbers): number {
    return this.output.split('\n').filter((line) => line === `call ${numbers[call]}`).length;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

describe.skipIf(process.arch !== 'x64')('a listener that answers (SECCOMP_RET_USER_NOTIF)', () => {
  let supervisor: Supervisor | undefined;
  afterEach(() => supervisor?.stop());

  async function supervised(
    role: readonly string[],
    noNewPrivileges: boolean,
    flags: readonly string[],
  ): Promise<OciContainer> {
    const program = await compileProgram('answer-calls');
    const container = await runtime().prepare(['/bin/answer-calls', ...role]);
    const { path, config } = container.bundle;
    copyFileSync(program, join(path, 'rootfs/bin/answer-calls'));
    const started = new Supervisor(program, path);
    supervisor = started;
    await eventually(async () =>
      expect((await runtime().machine.command(['test', '-S', started.socket])).status).toBe(0),
    );
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: started.socket,
      flags,
      syscalls: [{ names: Object.keys(numbers), action: 'SCMP_ACT_NOTIFY' }],
    };
    const whole = { ...config, process: { ...config.process, noNewPrivileges }, linux: { ...config.linux, seccomp } };
    await runtime().machine.write(join(path, 'config.json'), JSON.stringify(whole));
    return container;
  }

  const answers = 'mkdir -1 File exists\ngetppid 4242\nsethostname 0\numask 18\n';
  const killable = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';

  it.each([
    [true, []],
    [false, []],
    [true, [killable]],
    [false, [killable, 'SECCOMP_FILTER_FLAG_LOG']],
  ])(
    'decides what becomes of each call, of init and of an exec (noNewPrivileges %s, flags %j)',
    async (strict, flags) => {
      const container = await supervised(['call', 'stay'], strict, flags);
      await container.create();
      await container.start();
      await eventually(async () => expect(await container.stdout()).toBe(answers));
      const exec = await runtime().command(['exec', container.id, '/bin/answer-calls', 'call']);
      expect(exec).toMatchObject({ status: 0, stdout: answers, stderr: '' });
      const text = supervisor?.output ?? '';
      // Each listener came once, with a state.
      expect(text.match(/^state [1-9]\d+$/gm)).toHaveLength(2);
      for (const call of ['mkdir', 'getppid', 'sethostname'] as const) expect(supervisor?.count(call)).toBe(2);
      // Nothing else changed.
      expect((await container.exec('test ! -e /new && hostname')).stdout).not.toContain('other');
      await container.end();
    },
  );

  it.each([
    [false, []],
    [true, [killable]],
  ])('is asked again after a signal, unless it is to be waited for (%s)', async (waits, flags) => {
    const container = await supervised(['interrupted'], true, flags);
    await container.create();
    await container.start();
    if (waits) {
      await container.stopped();
      expect(await container.stdout()).toBe('rmdir -1 File exists\n');
      expect(supervisor?.count('rmdir')).toBe(1);
    } else {
      await eventually(() => {
        expect(supervisor?.count('rmdir')).toBeGreaterThan(2);
        return Promise.resolve();
      });
    }
    // A signal that kills is not held up by either.
    await container.end();
  });

  it('that is gone fails the calls, and the container can be ended', async () => {
    const container = await supervised(['call'], true, []);
    await container.create();
    supervisor?.stop();
    await container.start();
    await container.stopped();
    await container.delete();
  });
});
