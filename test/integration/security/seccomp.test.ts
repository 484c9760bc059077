import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Init } from '../../../agent/src/codec/protobuf/message-codec.ts';
import type { LinuxSeccomp, Process } from '../../../proto/gen/agent.js';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { buildProbe, parseProbe } from '../../support/seccomp/build-probe.ts';

type Rule = NonNullable<Init<LinuxSeccomp>['Syscalls']>[number];

function profile(syscalls: readonly Rule[], rest: Init<LinuxSeccomp> = {}): Init<LinuxSeccomp> {
  return { DefaultAction: 'SCMP_ACT_ALLOW', Syscalls: [...syscalls], ...rest };
}

function deny(names: string, action = 'SCMP_ACT_ERRNO', rest: Init<Rule> = {}): Rule {
  return { Names: names.split(' '), Action: action, ...rest };
}

describe.skipIf(process.arch !== 'x64')('a container with a seccomp profile', () => {
  const fixture = useAgent();
  let root = '';

  beforeAll(async () => {
    const program = await buildProbe();
    root = await fixture.roots.copy('seccomp');
    copyFileSync(program, join(root, 'bin/probe'));
  });
  afterAll(async () => rmSync(await buildProbe(), { force: true }));

  const run = (script: string | readonly string[], seccomp: Init<LinuxSeccomp>, process: Init<Process> = {}) =>
    TestContainer.run(fixture.client, { root, run: script, linux: { Seccomp: seccomp }, process });

  /** What becomes of calls, by their name. */
  async function probe(seccomp: Init<LinuxSeccomp>, calls: string, process: Init<Process> = {}) {
    const outcome = await run(['/bin/probe', ...calls.split(' ')], seccomp, process);
    expect(outcome).toMatchObject({ stderr: '', status: 0 });
    return parseProbe(outcome.stdout);
  }

  it('is announced to the host', async () => {
    const details = await fixture.client.call('GetGuestDetails', {});
    expect(details.agent_details?.supports_seccomp).toBe(true);
  });

  it.each([true, false])('runs under it with each action (noNewPrivileges %s)', async (NoNewPrivileges) => {
    const seccomp = profile([
      deny('mkdir'),
      deny('chmod', 'SCMP_ACT_ERRNO', { errnoret: 17 }),
      deny('getcwd', 'SCMP_ACT_TRAP'),
      deny('setuid', 'SCMP_ACT_KILL_PROCESS'),
      deny('setgid', 'SCMP_ACT_KILL'),
      deny('sync', 'SCMP_ACT_TRACE', { errnoret: 99 }),
      deny('getppid', 'SCMP_ACT_LOG'),
    ]);
    const calls = 'mkdir=n:83 chmod=n:90 getcwd=n:79 process=tn:105 thread=tn:106 trace=n:162 log=n:110 getpid=n:39';
    expect(await probe(seccomp, calls, { NoNewPrivileges })).toEqual({
      mkdir: 'errno 1',
      chmod: 'errno 17',
      getcwd: 'trap 79',
      process: 'killed 31',
      thread: 'thread-killed',
      trace: 'errno 38',
      log: 'ok',
      getpid: 'ok',
    });
  });

  it('PRV-05: is in filter mode, execs too, with the capabilities it asked for', async () => {
    const few = ['CAP_KILL', 'CAP_CHOWN'];
    for (const NoNewPrivileges of [true, false]) {
      for (const UID of [0, 1000]) {
        const Capabilities = { Bounding: few, Effective: few, Permitted: few, Inheritable: few, Ambient: few };
        const process = { NoNewPrivileges, User: { UID, GID: UID }, Capabilities };
        const status = 'grep -E "^(Seccomp|NoNewPrivs|Cap...):" /proc/self/status; sleep 600';
        await using container = await TestContainer.start(fixture.client, {
          root,
          run: status,
          linux: { Seccomp: profile([deny('mkdir')]) },
          process,
        });
        const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']
          .map((set) => `${set}:\t0000000000000021\n`)
          .join('');
        const expected = `${sets}NoNewPrivs:\t${NoNewPrivileges ? 1 : 0}\nSeccomp:\t2\n`;
        expect(await container.readUntil('Seccomp:\t2\n')).toBe(expected);
        const exec = await container.execute(status.replace('; sleep 600', '; mkdir /tmp/x; probe thread=tn:83'), {
          process,
        });
        expect(exec.stdout).toBe(`${expected}thread errno 1\n`);
        expect(exec.stderr).toContain('Operation not permitted');
      }
    }
  });

  it.each([true, false])(
    'PRV-05: starts though the filter forbids what the set-up needs (noNewPrivileges %s)',
    async (NoNewPrivileges) => {
      const seccomp = profile([
        deny(
          'prctl capset capget setuid setresuid setresgid setgid setgroups write writev openat openat2 sendmsg recvmsg close_range ' +
            'prlimit64 rt_sigprocmask fchdir',
          'SCMP_ACT_ERRNO',
          { errnoret: 7 },
        ),
      ]);
      const process = { NoNewPrivileges, User: { UID: 1000, GID: 1000 } };
      // The shell cannot write; its exit code can tell.
      expect((await run('cd / && [ "$(umask)" = "" ] && exit 42', seccomp, process)).status).toBe(42);
    },
  );

  it('PRV-05: an allow-list needs no more than what the program itself calls', async () => {
    const allowed = ['execve', 'exit_group', 'arch_prctl', 'set_tid_address'];
    for (const NoNewPrivileges of [true, false]) {
      const seccomp = profile([{ Names: allowed, Action: 'SCMP_ACT_ALLOW' }], {
        DefaultAction: 'SCMP_ACT_KILL_PROCESS',
      });
      const outcome = await TestContainer.run(fixture.client, {
        root,
        run: ['/bin/probe'],
        linux: { Seccomp: seccomp },
        process: { NoNewPrivileges },
      });
      expect(outcome).toEqual({ stdout: '', stderr: '', status: 0 });
    }
  });

  it('PRV-05: a filter without execve ends the container with its errno, and leaves nothing', async () => {
    const seccomp = profile([deny('execve exit_group', 'SCMP_ACT_ERRNO', { errnoret: 5 })]);
    expect((await run('exit 0', seccomp)).status).toBe(5);
  });

  it('PRV-06: foreign ABIs are killed unless the profile names them, and filtered then', async () => {
    const calls = 'native=n:83 x32=x:83 i386=i:39 socketcall=i:102:1:0 getpid32=i:20 direct=i:359:40:1';
    const rules = [deny('mkdir socket')];
    expect(await probe(profile(rules), calls)).toEqual({
      native: 'errno 1',
      x32: 'killed 31',
      i386: 'killed 31',
      socketcall: 'killed 31',
      getpid32: 'killed 31',
      direct: 'killed 31',
    });
    const named = profile(rules, { Architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] });
    expect(await probe(named, calls)).toEqual({
      native: 'errno 1',
      x32: 'errno 1',
      i386: 'errno 1',
      socketcall: 'errno 1',
      getpid32: 'ok',
      direct: 'errno 1',
    });
  });

  it('PRV-07: a socket rule blocks the families it names and no other', async () => {
    const families = [38n, 40n].map((Value) => ({ Index: 0n, Op: 'SCMP_CMP_EQ', Value }));
    const seccomp = profile(families.map((arg) => deny('socket', 'SCMP_ACT_ERRNO', { Args: [arg], errnoret: 97 })));
    const outcome = await probe(seccomp, 'alg=n:41:38:5 vsock=n:41:40:1 unix=n:41:1:1 inet=n:41:2:1');
    expect(outcome).toEqual({ alg: 'errno 97', vsock: 'errno 97', unix: 'ok', inet: 'ok' });
  });

  it('PRV-07: 64-bit arguments arrive whole', async () => {
    const rule = (Op: string, Value: bigint, ValueTwo = 0n) =>
      deny('setuid', 'SCMP_ACT_ERRNO', { errnoret: 99, Args: [{ Index: 1n, Op, Value, ValueTwo }] });
    const big = (2n ** 63n + 5n).toString();
    const calls = `equal=n:105:0:${big} low=n:105:0:5 more=n:105:0:18446744073709551615 zero=n:105:0:0`;
    const outcomes = async (...args: Parameters<typeof rule>) =>
      Object.values(await probe(profile([rule(...args)]), calls));
    expect(await outcomes('SCMP_CMP_EQ', 2n ** 63n + 5n)).toEqual(['errno 99', 'ok', 'ok', 'ok']);
    expect(await outcomes('SCMP_CMP_GT', 2n ** 63n + 5n)).toEqual(['ok', 'ok', 'errno 99', 'ok']);
    expect(await outcomes('SCMP_CMP_LT', 2n ** 63n + 5n)).toEqual(['ok', 'errno 99', 'ok', 'errno 99']);
    expect(await outcomes('SCMP_CMP_MASKED_EQ', 2n ** 63n, 2n ** 63n)).toEqual(['errno 99', 'ok', 'errno 99', 'ok']);
  });

  it('PRV-08: calls newer than an allow-list answer ENOSYS, older ones its default', async () => {
    const needed =
      'read write close fork clone vfork wait4 pipe pipe2 rt_sigaction rt_sigprocmask rt_sigreturn exit exit_group execve brk mmap munmap ' +
      'mprotect arch_prctl set_tid_address ioctl fstat newfstatat open openat getpid getppid getuid geteuid getgid getegid stat lstat ' +
      'fcntl writev dup2 getcwd gettid tkill poll lseek access uname prlimit64 set_robust_list rseq getrandom readlink chdir clone3';
    const seccomp = profile([{ Names: needed.split(' '), Action: 'SCMP_ACT_ALLOW' }], {
      DefaultAction: 'SCMP_ACT_ERRNO',
    });
    const outcome = await probe(seccomp, 'older=n:83 newest=n:435:0:0 newer=n:436 unknown=n:9999 mine=n:39');
    expect(outcome).toEqual({
      older: 'errno 1',
      newest: 'errno 22',
      newer: 'errno 38',
      unknown: 'errno 38',
      mine: 'ok',
    });
  });

  it('PRV-08: every flag of the specification is taken', async () => {
    const Flags = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'];
    expect(await probe(profile([deny('mkdir')], { Flags }), 'mkdir=n:83')).toEqual({ mkdir: 'errno 1' });
  });

  const refused: readonly (readonly [string, Init<LinuxSeccomp>, string])[] = [
    ['an unknown action', profile([deny('mkdir', 'SCMP_ACT_MAYBE')]), 'linux.seccomp.syscalls[0].action'],
    ['an unknown default', profile([], { DefaultAction: 'ALLOW' }), 'linux.seccomp.defaultAction'],
    ['an unknown architecture', profile([], { Architectures: ['SCMP_ARCH_VAX'] }), 'linux.seccomp.architectures[0]'],
    ['an unknown flag', profile([], { Flags: ['SECCOMP_FILTER_FLAG_NONE'] }), 'linux.seccomp.flags[0]'],
    [
      'an unknown comparison',
      profile([deny('mkdir', 'SCMP_ACT_TRAP', { Args: [{ Index: 0n, Op: 'SCMP_CMP_MAYBE' }] })]),
      'linux.seccomp.syscalls[0].args[0].op',
    ],
    [
      'a seventh argument',
      profile([deny('mkdir', 'SCMP_ACT_TRAP', { Args: [{ Index: 6n, Op: 'SCMP_CMP_EQ' }] })]),
      'linux.seccomp.syscalls[0].args[0].index',
    ],
    [
      'an errno beyond 4095',
      profile([deny('mkdir', 'SCMP_ACT_ERRNO', { errnoret: 65536 })]),
      'linux.seccomp.syscalls[0].errnoRet',
    ],
    ['SCMP_ACT_NOTIFY without a listener', profile([deny('mkdir', 'SCMP_ACT_NOTIFY')]), 'linux.seccomp.listenerPath'],
    ['SCMP_ACT_NOTIFY for write', profile([deny('write', 'SCMP_ACT_NOTIFY')]), 'cannot be used for write'],
    ['SCMP_ACT_NOTIFY as default', profile([], { DefaultAction: 'SCMP_ACT_NOTIFY' }), 'linux.seccomp.defaultAction'],
  ];
  it.each(refused)('PRV-08: %s is refused by its name', async (_what, seccomp, field) => {
    const creation = TestContainer.create(fixture.client, { root, linux: { Seccomp: seccomp } });
    await expectStatus(creation, 'invalid_argument', field);
  });

  it('PRV-08: a profile beyond the size of a program is refused, one of 450 calls with arguments works', async () => {
    const conditions = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        Index: BigInt(index),
        Op: 'SCMP_CMP_EQ',
        Value: 2n ** 40n + BigInt(index),
      }));
    const { callNames } = await import('../../../agent/src/abi/generated/x86_64/seccomp-tables.ts');
    const rules = (count: number) =>
      callNames
        .split(' ')
        .slice(0, 450)
        .map((name, index) =>
          deny(name, 'SCMP_ACT_ERRNO', {
            errnoret: (index % 100) + 1,
            Args: conditions(count).map((arg) => ({ ...arg, Value: arg.Value + BigInt(index) })),
          }),
        );
    const large = TestContainer.create(fixture.client, { root, linux: { Seccomp: profile(rules(6)) } });
    await expectStatus(large, 'invalid_argument', 'linux.seccomp', '4096 instructions');
    const hit = (2n ** 40n + 83n).toString();
    const outcome = await probe(profile(rules(1)), `hit=n:83:${hit} miss=n:83:0`);
    expect(outcome).toEqual({ hit: 'errno 84', miss: 'errno 14' });
  });

  it('keeps the default capabilities without CAP_SYS_ADMIN while it waits for its start and after', async () => {
    const sets = { Bounding: DEFAULT_CAPABILITIES, Effective: DEFAULT_CAPABILITIES, Permitted: DEFAULT_CAPABILITIES };
    const seccomp = profile([deny('mkdir')]);
    const process = { NoNewPrivileges: false, Capabilities: sets };
    const outcome = await run('grep ^CapEff: /proc/self/status; mount -t tmpfs tmpfs /tmp', seccomp, process);
    expect(outcome.stdout).toBe('CapEff:\t00000000a80425fb\n');
    expect(outcome.status).not.toBe(0);
  });

  it('of a broad profile takes many containers and execs at once', async () => {
    const seccomp = profile([deny('mkdir chmod', 'SCMP_ACT_ERRNO', { errnoret: 44 })]);
    const ids = Array.from({ length: 8 }, () => freshId());
    const outcomes = await Promise.all(ids.map(() => probe(seccomp, 'mkdir=n:83')));
    expect(outcomes).toEqual(ids.map(() => ({ mkdir: 'errno 44' })));
  });
});
