import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { useRuntime } from '../../support/oci.ts';

/** CAP_NET_RAW, which the files bear. */
const raw = 1n << 13n;
const names = ['CAP_KILL', 'CAP_NET_RAW'];

/** Puts programs into a root that print their own status, with capabilities of a file: `all` of them, and `lent` by who has them. */
function plant(root: string): void {
  for (const [folder, text] of [
    ['all', 'cap_net_raw+ep'],
    ['lent', 'cap_net_raw+ei'],
  ] as const) {
    mkdirSync(join(root, folder));
    const program = join(root, folder, 'cat');
    copyFileSync(join(root, 'bin/busybox'), program);
    execFileSync('setcap', [text, program]);
  }
}

/** Runs both, and tells the effective sets, or `refused` where the kernel does not execute the program at all. */
const script = 'for p in all lent; do /$p/cat /proc/self/status 2>/dev/null || echo "CapEff: refused"; done';
const effective = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('CapEff'))
    .map((line) => line.replace(/^CapEff:\s*/, ''));
const set = (bits: bigint): string => bits.toString(16).padStart(16, '0');

/** What the sets of the process are, whether it has `no_new_privs`, and what the two programs then get for a user who is not root. */
const cases: readonly (readonly [
  string,
  { sets: readonly string[]; caps: readonly string[]; strict: boolean },
  readonly string[],
])[] = [
  [
    'no_new_privs: neither gains anything',
    { sets: ['bounding', 'permitted', 'effective'], caps: names, strict: true },
    [set(0n), set(0n)],
  ],
  [
    'without it a file gives what it has, within the bounding set, and nothing that would have to be inherited',
    { sets: ['bounding', 'permitted', 'effective'], caps: names, strict: false },
    [set(raw), set(0n)],
  ],
  [
    'beyond the bounding set nothing is given',
    { sets: ['bounding', 'permitted', 'effective'], caps: ['CAP_KILL'], strict: false },
    ['refused', set(0n)],
  ],
  [
    'inheritable ones are given because the specification lists them',
    { sets: ['bounding', 'permitted', 'effective', 'inheritable'], caps: names, strict: false },
    [set(raw), set(raw)],
  ],
  [
    'a file with capabilities takes the ambient ones away, and adds nothing',
    { sets: ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'], caps: names, strict: true },
    [set(raw), set(raw)],
  ],
];

describe('PRV-01: a program of the image with capabilities of its own', () => {
  const runtime = useRuntime();
  const fixture = useAgent();

  it.each(cases)('by kihon-oci: %s', async (_, { sets, caps, strict }, expected) => {
    const container = await runtime().prepare(`${script}; sleep 100`, (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.noNewPrivileges = strict;
      config.process.capabilities = Object.fromEntries(sets.map((name) => [name, [...caps]]));
    });
    plant(join(container.bundle.path, 'rootfs'));
    await container.create();
    await container.start();
    const exec = await container.exec(script);
    expect(effective(exec.stdout), 'exec').toEqual(expected);
    await eventually(async () => expect(effective(await container.stdout()), 'init').toEqual(expected));
    await container.end();
  });

  it('by kihon-oci: an exec with --cap makes nothing inheritable that a file could take up', async () => {
    const container = await runtime().prepare('sleep 100', (config) => {
      config.process.noNewPrivileges = false;
      config.process.capabilities = { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] };
    });
    plant(join(container.bundle.path, 'rootfs'));
    await container.create();
    await container.start();
    const { stdout } = await container.exec(script, ['--cap', 'CAP_NET_RAW', '--user', '1000']);
    expect(effective(stdout)[1]).toBe(set(0n));
    await container.end();
  });

  it.each(cases)('by the agent: %s', async (_, { sets, caps, strict }, expected) => {
    const root = await fixture.roots.copy();
    plant(root);
    const Capabilities = Object.fromEntries(
      sets.map((name) => [`${name.slice(0, 1).toUpperCase()}${name.slice(1)}`, [...caps]]),
    );
    const process = { User: { UID: 1000, GID: 1000 }, NoNewPrivileges: strict, Capabilities };
    await using container = await TestContainer.start(fixture.client, { root, run: `${script}; sleep 100`, process });
    const exec = await container.execute(script, { process });
    expect(effective(exec.stdout), 'exec').toEqual(expected);
  });
});
