import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { createRequest } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import type { OciContainer } from '../../support/oci-runtime.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

describe('groups', () => {
  const fixture = useAgent();

  it('PRV-03 are those of the request: none, many, and no more than the kernel takes', async () => {
    const groups = async (AdditionalGids: number[]) => {
      const process = { User: { UID: 5, GID: 6, AdditionalGids } };
      const options = { root: fixture.root, run: 'grep ^Groups: /proc/self/status | wc -w', process };
      return Number((await TestContainer.run(fixture.client, options)).stdout) - 1;
    };
    expect(await groups([])).toBe(0);
    expect(await groups(Array.from({ length: 65_000 }, (_, index) => index))).toBe(65_000);
    const many = Array.from({ length: 65_537 }, (_, index) => index);
    const process = { User: { UID: 5, GID: 6, AdditionalGids: many } };
    const request = createRequest(freshId(), { root: fixture.root, process });
    await expectStatus(
      fixture.client.call('CreateContainer', request),
      ['invalid_argument', 'resource_exhausted'],
      /65536/,
    );
  });
});

describe('users of kihon-oci', () => {
  const fixture = useOwnRuntime();

  it('PRV-03 groups are set up to the last that the kernel takes; one more is refused', async () => {
    const many = Array.from({ length: 65_536 }, (_, index) => index);
    const run = 'grep ^Groups: /proc/self/status | wc -w';
    const outcome = await fixture.runtime.run(run, ({ process }) => (process.user.additionalGids = many));
    expect(outcome.stdout).toBe('65537\n');
    const refusal = await fixture.runtime.refusal(({ process }) => (process.user.additionalGids = [...many, 70_000]));
    expect(refusal).toMatch(/65536/);
  });

  const odd = [
    ...[
      '1:',
      ':1',
      ':',
      '00',
      '01',
      '0x0',
      ' 0',
      '+0',
      '-1',
      '4294967295',
      '4294967296',
      '1e3',
      '1.0',
      'a b',
      'root:-1',
    ],
    ...['root:', 'x/y', '18446744073709551616'],
  ];

  async function started(change: (root: string) => void): Promise<OciContainer> {
    const container = await fixture.runtime.prepare('sleep 600');
    const root = join(container.bundle.path, 'rootfs');
    // The programs are links; what the test writes must be its own.
    mkdirSync(join(root, 'etc'), { recursive: true });
    for (const name of ['passwd', 'group']) rmSync(join(root, 'etc', name), { force: true });
    change(root);
    await container.create();
    await container.start();
    return container;
  }

  const who = (container: OciContainer, user: string) =>
    fixture.runtime.command([
      ...['exec', '--user', user, container.id],
      ...['sh', '-c', 'grep -E "^(Uid|Gid|Groups):" /proc/self/status | tr -s "\\t \\n" " "; echo HOME=$HOME'],
    ]);

  it('PRV-04 digits are numbers, whatever the image calls a user; what only looks like one is refused', async () => {
    const names = [...odd, '1', '2147483648', '4294967294'].filter((name) => !name.includes(':'));
    const container = await started((root) => {
      writeFileSync(join(root, 'etc/passwd'), names.map((name) => `${name}:x:0:0::/:/bin/sh\n`).join(''));
      writeFileSync(join(root, 'etc/group'), names.map((name) => `${name}:x:0:\n`).join(''));
    });
    for (const id of ['1', '2147483648', '4294967294']) {
      expect((await who(container, id)).stdout, id).toMatch(`Uid: ${id} ${id} ${id} ${id} Gid: 0 0 0 0`);
      expect((await who(container, `${id}:${id}`)).stdout, id).toContain(`Gid: ${id} ${id} ${id} ${id}`);
    }
    for (const user of odd) {
      const outcome = await who(container, user);
      expect(outcome.stdout, user).toBe('');
      expect(outcome.status, user).not.toBe(0);
    }
  });

  it('PRV-04 names are those of the container, with their groups', async () => {
    const container = await started((root) => {
      writeFileSync(
        join(root, 'etc/passwd'),
        'app:x:1000:1001::/srv:/bin/sh\nbad:x:-1:0::/:/bin/sh\nbad:x:0:0::/:/bin/sh\n',
      );
      writeFileSync(join(root, 'etc/group'), 'app:x:1001:\naudio:x:29:app,x\nvideo:x:44:x,app\nother:x:99:x\n');
    });
    expect((await who(container, 'app')).stdout).toBe(
      'Uid: 1000 1000 1000 1000 Gid: 1001 1001 1001 1001 Groups: 29 44 HOME=/srv\n',
    );
    expect((await who(container, 'app:video')).stdout).toContain('Gid: 44 44 44 44 Groups: HOME');
    expect((await who(container, '7:audio')).stdout).toContain('Uid: 7 7 7 7 Gid: 29 29 29 29');
    for (const [user, reason] of [
      ['bad', /is not an id/],
      ['nobody', /no entry/],
      ['app:nobody', /no entry/],
    ] as const) {
      const outcome = await who(container, user);
      expect(outcome.status).not.toBe(0);
      expect(outcome.stderr).toMatch(reason);
    }
  });

  const hostile: readonly (readonly [string, (path: string) => void])[] = [
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a device', (path) => execFileSync('mknod', [path, 'c', '1', '5'])],
    ['a folder', (path) => mkdirSync(path)],
    ['a link to /proc/self/mem', (path) => symlinkSync('/proc/self/mem', path)],
    ['a link out of the root', (path) => symlinkSync('../../../../../../../../etc/passwd', path)],
    ['a link to itself', (path) => symlinkSync('passwd', path)],
    ['missing', () => undefined],
    [
      'sparse and of 4 GiB',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 2 ** 32);
      },
    ],
    ['one line without end', (path) => writeFileSync(path, 'x'.repeat(8 << 20))],
    ['a million lines', (path) => writeFileSync(path, 'a:x:1:1::/a:\n'.repeat(1_000_000))],
    ['NULs', (path) => writeFileSync(path, Buffer.alloc(1 << 16))],
  ];

  it.each(hostile)('LIV-10 an /etc/passwd that is %s holds nobody up and finds nobody', async (_kind, make) => {
    const container = await started((root) => make(join(root, 'etc/passwd')));
    const outcome = await who(container, 'root');
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toMatch(/no entry/);
    // No HOME can be found either, and that is no error.
    expect((await who(container, '1000')).stdout).toContain('HOME=/\n');
  });

  it('LIV-10 a FIFO in place of /etc/group finds no group', async () => {
    const container = await started((root) => {
      writeFileSync(join(root, 'etc/passwd'), 'app:x:1000:1001::/srv:/bin/sh\n');
      execFileSync('mkfifo', [join(root, 'etc/group')]);
    });
    expect((await who(container, 'app')).stdout).toContain('Groups: HOME=/srv');
    expect((await who(container, 'app:adm')).stderr).toContain('no entry');
  });
});
