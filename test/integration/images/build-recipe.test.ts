/** Real builds from recipes, as a process of its own. mmdebstrap comes with the set-up (rootfs-builder/setup/packages.sh). */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTar } from '../../../rootfs-builder/src/archive/read-tar.ts';
import { readCpio } from '../../../rootfs-builder/src/cpio/reader.ts';
import { tarArchive } from '../../unit/rootfs-builder/archive/tar-support.ts';
import { makeApkRepository } from '../../unit/rootfs-builder/bases/alpine-repository.ts';
import { dockerArchive } from '../../unit/rootfs-builder/bases/oci-layout.ts';
import { makeDebianRepository } from './debian-repository.ts';
import { eventually } from '../../support/eventually.ts';
import { nodeArguments } from '../../support/repository.ts';

const command = nodeArguments('rootfs-builder/src/main.ts');

let folder = '';
let environment: NodeJS.ProcessEnv = {};

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function builder(
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
  wrapper: readonly string[] = [],
): Promise<Outcome> {
  const [program = '', ...rest] = [...wrapper, process.execPath, ...command, ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(program, rest, {
      cwd: folder,
      env: { ...environment, ...more },
    });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

async function recipe(name: string, text: string): Promise<string> {
  const path = join(folder, `${name}.toml`);
  await writeFile(path, `[agent]\nbinary = "agent"\n${text}`);
  return path;
}

/** Names in an archive that a build made. */
function namesIn(path: string): string[] {
  const bytes = readFileSync(path);
  if (path.endsWith('.initrd')) return readCpio(gunzipSync(bytes)).map(({ name }) => name);
  return readTar(bytes).map(({ header }) => header.name);
}

const leftovers = () => readdirSync(join(folder, 'cache/images/tmp'));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kihon-build-'));
  environment = { ...process.env, KIHON_CACHE: join(folder, 'cache'), SOURCE_DATE_EPOCH: '1000000000' };
  await writeFile(
    join(folder, 'agent'),
    Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(200_000, 'agent ')]),
    { mode: 0o755 },
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a guest from a recipe', () => {
  it('of the agent and files: made once, then kept', async () => {
    await writeFile(join(folder, 'hook'), '#!/bin/sh\n');
    const text = `
[agent.settings]
log_level = "debug"
[hooks]
prestart = ["hook"]
[[file]]
target = "/etc/motd"
content = "hello"
mode = "0600"
owner = "5:6"
[[directory]]
target = "/data"
mode = "1777"
[[symlink]]
target = "/etc/link"
to = "motd"
`;
    const path = await recipe('files', text);
    const first = await builder(['build', 'initrd', path, '--json']);
    expect(first).toMatchObject({ status: 0 });
    const events = first.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; kernelParameters?: string[] });
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['plan', 'start', 'done', 'result']));
    expect(events.at(-1)?.kernelParameters).toEqual(['agent.config_file=/etc/kihon/agent.toml']);
    const names = namesIn(join(folder, 'files.initrd'));
    for (const name of [
      'sbin/init',
      'init',
      'etc/motd',
      'etc/link',
      'data',
      'usr/share/oci/hooks/prestart/hook',
      'var/lib/osbuilder/osbuilder.yaml',
    ])
      expect(names).toContain(name);
    const again = await builder(['build', 'initrd', path]);
    expect(again.stderr).toContain('kept from an earlier build');
    await rm(join(folder, 'files.initrd'));
    const restored = await builder(['build', 'initrd', path]);
    expect(restored.stderr).toContain('kept from an earlier build');
    expect(restored.stdout).toBe(again.stdout);
    expect(existsSync(join(folder, 'files.initrd.spdx.json'))).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  it('of Debian packages with systemd, from a mirror in a folder', async () => {
    const mirror = makeDebianRepository(join(folder, 'deb'), {
      init: {
        'usr/lib/systemd/systemd': '#!/bin/sh\n',
        'sbin/init': '->/usr/lib/systemd/systemd',
        'usr/lib/systemd/system/systemd-udevd.service': 'x',
        'etc/chrony/chrony.conf': 'pool example.invalid\n',
        'usr/lib/systemd/system/chrony.service':
          '[Unit]\n[Service]\nExecStart=/usr/sbin/chronyd -u _chrony\nStateDirectory=chrony\n',
        'usr/share/doc/init/copyright': 'x',
      },
    });
    const path = join(folder, 'deb.toml');
    await writeFile(
      path,
      `[base]\nkind = "debian"\nsuite = "tiny"\nmirror = "${mirror}"\nunsigned = true\nvariant = "extract"\npackages = ["init"]\n[agent]\nbinary = "agent"\ninit = "systemd"\n`,
    );
    const built = await builder(['build', 'rootfs', path]);
    expect(built.stderr).toContain('[3/3]');
    expect(built.status).toBe(0);
    const names = namesIn(join(folder, 'deb.tar'));
    for (const name of [
      'usr/bin/kata-agent',
      'usr/lib/systemd/system/kata-containers.target',
      'etc/systemd/system/tmp.mount',
      'etc/machine-id',
    ])
      expect(names).toContain(name);
    expect(
      names.some((name) => name.includes('udevd') || name.includes('usr/share/doc') || name === 'etc/apt/sources.list'),
    ).toBe(false);
    const chrony = readTar(readFileSync(join(folder, 'deb.tar'))).find(
      ({ header }) => header.name === 'etc/chrony/chrony.conf',
    );
    expect(Buffer.from(chrony?.data ?? []).toString()).toContain('# pool example.invalid\nrefclock PHC /dev/ptp0');
    const unit = readTar(readFileSync(join(folder, 'deb.tar'))).find(({ header }) =>
      header.name.endsWith('system/chrony.service'),
    );
    expect(Buffer.from(unit?.data ?? []).toString()).toBe(
      '[Unit]\nConditionPathExists=/dev/ptp0\n[Service]\nExecStart=/usr/sbin/chronyd\n',
    );
    const again = await builder(['build', 'initrd', path]);
    expect(again.stderr).toContain('base debian tiny for x86_64: kept from an earlier build');
    await writeFile(path, readFileSync(path, 'utf8').replace('kind = "debian"', 'kind = "ubuntu"'));
    expect(await builder(['build', 'initrd', path, '--output', 'ubuntu.initrd'])).toMatchObject({ status: 0 });
    expect(namesIn(join(folder, 'ubuntu.initrd'))).toContain('usr/bin/kata-agent');
    await writeFile(path, readFileSync(path, 'utf8').replace('unsigned = true\n', ''));
    const unsigned = await builder(['build', 'initrd', path]);
    expect([unsigned.status, unsigned.stderr]).toEqual([1, expect.stringMatching(/base\.keys|not signed/)]);
    expect(leftovers()).toEqual([]);
  });

  it('of Alpine packages, a container image, an archive and a folder', async () => {
    const { mirror, keys } = makeApkRepository(join(folder, 'apk'), [
      { name: 'alpine-base', files: [{ name: 'bin/tool', data: 'x', mode: 0o755 }] },
    ]);
    const archive = tarArchive({ name: 'bin/', type: '5' }, { name: 'bin/tool', data: 'x', mode: 0o755 });
    await writeFile(join(folder, 'image.tar'), dockerArchive([archive], 'a:1'));
    await writeFile(join(folder, 'plain.tar'), archive);
    await mkdir(join(folder, 'root/bin'), { recursive: true });
    await writeFile(join(folder, 'root/bin/tool'), 'x');
    const bases = {
      alpine: `{ kind = "alpine", suite = "v0", mirror = "${mirror}", keys = ["${keys}"] }`,
      oci: '"oci:image.tar"',
      tar: '"tar:plain.tar"',
      dir: '"dir:root"',
    };
    for (const [name, base] of Object.entries(bases)) {
      const path = join(folder, `${name}.toml`);
      await writeFile(path, `base = ${base}\n[agent]\nbinary = "agent"\n`);
      expect(await builder(['build', 'initrd', path])).toMatchObject({ status: 0 });
      expect(namesIn(join(folder, `${name}.initrd`))).toEqual(
        expect.arrayContaining(['bin/tool', 'sbin/init', 'init']),
      );
    }
  });

  it('is explained without being built', async () => {
    const path = await recipe('explained', '');
    const { status, stdout } = await builder(['build', 'image', path, '--explain']);
    expect([status, existsSync(join(folder, 'explained.image'))]).toEqual([0, false]);
    expect(stdout).toMatch(
      /1\. base none for .*\n2\. what the recipe adds[^]*agent .*\/agent as \/sbin\/init[^]*3\. write disk/,
    );
  });

  it('is made once by two builds at the same time', async () => {
    const path = await recipe('twice', '[[file]]\ntarget = "/x"\ncontent = "twice"\n');
    const built = await Promise.all(
      [1, 2].map((turn) => builder(['build', 'initrd', path, '--output', `twice-${turn}.initrd`])),
    );
    expect(built.map(({ status }) => status)).toEqual([0, 0]);
    expect(readFileSync(join(folder, 'twice-1.initrd')).equals(readFileSync(join(folder, 'twice-2.initrd')))).toBe(
      true,
    );
  });
});

describe('a build that is stopped', () => {
  it('by SIGINT in the middle, ends with 130 and leaves nothing', async () => {
    await writeFile(join(folder, 'huge'), '');
    await promisify(execFile)('truncate', ['-s', '3G', join(folder, 'huge')]);
    const path = await recipe(
      'stopped',
      '[[file]]\ntarget = "/huge"\nsource = "huge"\n[output]\ncompression = "gzip"\n',
    );
    const child = spawn(process.execPath, [...command, 'build', 'initrd', path], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'close');
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const isWriting = (): boolean => readdirSync(folder).some((name) => name.startsWith('.stopped.initrd.'));
    await eventually(() => expect(child.exitCode !== null || isWriting(), said).toBe(true));
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    expect(said).toContain('interrupted');
    expect(readdirSync(folder).filter((name) => name.includes('stopped.initrd'))).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});

describe("osbuilder's targets", () => {
  it('read its variables and say which have no meaning', async () => {
    const built = await builder(['osbuilder', 'initrd-busybox'], {
      AGENT_SOURCE_BIN: join(folder, 'agent'),
      INITRD_IMAGE: join(folder, 'kata.initrd'),
      USE_DOCKER: 'yes',
      AGENT_INIT: 'yes',
    });
    expect(built).toMatchObject({ status: 0, stdout: `${join(folder, 'kata.initrd')}\n` });
    expect(built.stderr).toContain('USE_DOCKER has no meaning here: nothing is built in a container');
    expect(namesIn(join(folder, 'kata.initrd'))).toContain('bin/busybox');
  });

  it('take the policy that comes with the program where AGENT_POLICY names none', async () => {
    const output = join(folder, 'policy.initrd');
    const variables = { AGENT_SOURCE_BIN: join(folder, 'agent'), INITRD_IMAGE: output, AGENT_POLICY: 'yes' };
    expect(await builder(['osbuilder', 'initrd-none'], variables)).toMatchObject({ status: 0 });
    expect(namesIn(output)).toEqual(
      expect.arrayContaining(['etc/kata-opa/allow-all.rego', 'etc/kata-opa/default-policy.rego']),
    );
  });

  it('make a root tree in ROOTFS_DIR, again and again, but not over something else', async () => {
    const variables = { AGENT_SOURCE_BIN: join(folder, 'agent'), ROOTFS_DIR: join(folder, 'tree') };
    for (const _turn of [1, 2])
      expect(await builder(['osbuilder', 'rootfs-none'], variables)).toMatchObject({ status: 0 });
    expect(statSync(join(folder, 'tree/sbin/init')).mode & 0o777).toBe(0o755);
    const refused = await builder(['osbuilder', 'rootfs-none'], { ...variables, ROOTFS_DIR: folder });
    expect(refused.stderr).toContain('holds something that no builder made');
  });

  it.each([
    ['centos', {}, 'DISTRO=centos: there is no base for RPM packages'],
    ['ubuntu', {}, 'OS_VERSION: is missing'],
    ['debian', { SELINUX: 'yes' }, 'SELINUX=yes'],
    ['debian', { BLOCK_SIZE: '1024' }, 'BLOCK_SIZE=1024: only 4096'],
    ['debian', { AGENT_INIT: 'true' }, 'AGENT_INIT=true: must be yes or no'],
  ])('image-%s with %j says what is wrong', async (distro, variables, message) => {
    const { status, stderr } = await builder(['osbuilder', `image-${distro}`], variables);
    expect([status, stderr.split('\n').length]).toEqual([1, 2]);
    expect(stderr).toContain(message);
  });
});
