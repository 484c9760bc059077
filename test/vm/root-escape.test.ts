import { describe, expect, it } from 'vitest';
import { mount } from '../support/container/container-spec.ts';
import { privileged, runGuestProgram } from '../support/vm/run-program.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** A file that the witness puts into the agent's root: whoever sees it has escaped. */
const MARK = '/mark-of-the-guest';

describe('MNT-15: a container with CAP_SYS_ADMIN and CAP_SYS_CHROOT', () => {
  const fixture = useVm({ hasWitness: true });
  const rights = privileged('CAP_SYS_ADMIN', 'CAP_SYS_CHROOT', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH');

  /** The agent's executable as `stat` of /proc/1/exe names it. */
  async function agentExecutable(): Promise<string> {
    const [device, inode] = (await fixture.vm.witness('stat -L -c "%D %i" /proc/1/exe')).trim().split(' ');
    return `${device}:${inode}`;
  }

  async function attempt(options: Parameters<typeof runGuestProgram>[4] = {}): Promise<string[]> {
    await fixture.vm.witness(`echo canary > ${MARK}`);
    const args = [MARK, await agentExecutable()];
    const outcome = await runGuestProgram(fixture.vm, fixture.client, 'root-escape', args, { ...rights, ...options });
    expect(await fixture.vm.witness(`cat ${MARK} && rm ${MARK}`)).toBe('canary\n');
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    return outcome.stdout.trim().split('\n');
  }

  it('has a test that would tell: run beside the agent, the program sees all that it looks for', async () => {
    expect(await agentExecutable()).toMatch(/^[0-9a-f]+:\d+$/);
    expect(await fixture.vm.witness('readlink /proc/1/exe')).toMatch(/ \(deleted\)\n$/);
    await runGuestProgram(fixture.vm, fixture.client, 'root-escape', ['/none', '0:0', 'look'], rights);
    const program = fixture.vm.guestPath('roots/busybox/bin/root-escape');
    const script = `echo canary > ${MARK}; ${program} ${MARK} ${await agentExecutable()} look; rm ${MARK}`;
    const found = (await fixture.vm.witness(script)).split('\n').filter((line) => line.startsWith('ESCAPED'));
    for (const what of [
      "mark of the agent's root",
      "agent's executable, as process 1",
      'root, as that of process 1',
      'sandbox',
    ])
      expect(
        found.some((line) => line.includes(what)),
        `${what} in ${found.join('\n')}`,
      ).toBe(true);
  });

  it('finds nothing of the agent under, above or beside its root', async () => {
    const lines = await attempt();
    expect(lines.filter((line) => line.startsWith('ESCAPED'))).toEqual([]);
    expect(lines.at(-1), lines.join('\n')).toBe('done: all attempts were made');
    // The attack itself must have worked: what lay over the namespace's true root is gone, and that root is empty.
    expect(
      lines.find((line) => line.startsWith('under /:')),
      lines.join('\n'),
    ).toMatch(/here:\s*$/);
  });

  it('finds nothing with a volume of the host and shared propagation either', async () => {
    const lines = await attempt({
      mounts: [mount('/volume', fixture.vm.guestPath('canary'), 'bind', 'rbind', 'rshared')],
      linux: { ...rights.linux, RootfsPropagation: 'shared' },
    });
    expect(lines.filter((line) => line.startsWith('ESCAPED'))).toEqual([]);
    expect(lines.at(-1), lines.join('\n')).toBe('done: all attempts were made');
  });
});
