import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { services } from '../../../proto/gen/services.js';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { containerSpec, createRequest } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { within } from '../../support/eventually.ts';
import { agentCall } from '../../support/raw/bytes.ts';
import { RawConnection } from '../../support/raw/raw-connection.ts';

const INFINITY = 2n ** 64n - 1n;

/** The engine's hash of text: a polynomial of base 263, 32 bits; prefixes of equal length do not matter. */
function hash(text: string): number {
  let value = 0;
  for (let index = 0; index < text.length; index++) value = (Math.imul(value, 263) + text.charCodeAt(index)) >>> 0;
  return value;
}

/** `count` different keys with one hash: pairs of blocks that collide, in every combination. */
function collidingKeys(count: number): string[] {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const seen = new Map<number, string>();
  const pairs: [string, string][] = [];
  const needed = Math.ceil(Math.log2(count));
  for (let number = 0; pairs.length < needed; number++) {
    let block = '';
    for (let rest = Math.imul(number, 2654435761) >>> 0, index = 0; index < 7; index++) {
      block += letters.charAt((rest + index * number) % 36);
      rest = (rest / 36) | 0;
    }
    const value = hash(block);
    const other = seen.get(value);
    if (other !== undefined && other !== block) {
      pairs.push([other, block]);
      seen.delete(value);
    } else seen.set(value, block);
  }
  return Array.from({ length: count }, (_, index) => pairs.map((pair, bit) => pair[(index >> bit) & 1]).join(''));
}

describe('numbers and sizes', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  describe('ENG-03: numbers', () => {
    it.each([
      [2n ** 53n + 1n, '9007199254740993'],
      [2n ** 63n - 4096n, '9223372036854771712'],
      [2n ** 32n, '4294967296'],
      [2n ** 31n, '2147483648'],
      [INFINITY, 'unlimited'],
    ])('a limit of %i arrives exactly', async (value, shown) => {
      const outcome = await TestContainer.run(fixture.client, {
        root: fixture.root,
        run: 'grep "Max file size" /proc/self/limits',
        process: { Rlimits: [{ Type: 'RLIMIT_FSIZE', Soft: value, Hard: value }] },
      });
      expect(outcome.stdout).toMatch(new RegExp(`Max file size\\s+${shown}\\s+${shown}\\s`));
    });

    it.each([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 2])('the user %i is that user', async (id) => {
      const outcome = await TestContainer.run(fixture.client, {
        root: fixture.root,
        run: 'grep -E "^(Uid|Gid|Groups)" /proc/self/status',
        process: { User: { UID: id, GID: id, AdditionalGids: [id - 1] } },
      });
      expect(outcome.stdout).toContain(`Uid:\t${id}\t${id}\t${id}\t${id}\n`);
      expect(outcome.stdout).toContain(`Gid:\t${id}\t${id}\t${id}\t${id}\n`);
      expect(outcome.stdout).toContain(`Groups:\t${id - 1} \n`);
    });

    it.each([
      ['user', { UID: 2 ** 32 - 1, GID: 0 }],
      ['group', { UID: 0, GID: 2 ** 32 - 1 }],
      ['additional group', { UID: 0, GID: 0, AdditionalGids: [2 ** 32 - 1] }],
    ])('the %s -1, which would leave root in place, is refused', async (_, User) => {
      const request = createRequest(freshId(), { root: fixture.root, run: 'true', process: { User } });
      await expectStatus(fixture.client.call('CreateContainer', request), ['invalid_argument', 'internal']);
      await using container = await TestContainer.start(fixture.client, { root: fixture.root });
      await expectStatus(container.exec('id', { process: { User } }), ['invalid_argument', 'internal']);
    });

    it.each([
      [1n, 3n, '1:3'],
      [4095n, 1_048_575n, 'fff:fffff'],
      [259n, 65_536n, '103:10000'],
    ])('the device %i:%i has its number', async (major, minor, shown) => {
      const outcome = await TestContainer.run(fixture.client, {
        root: fixture.root,
        run: 'stat -c "%t:%T" /dev/odd',
        linux: {
          Namespaces: [{ Type: 'mount' }],
          Devices: [{ Path: '/dev/odd', Type: 'b', Major: major, Minor: minor }],
        },
      });
      expect(outcome.stdout.trim()).toBe(shown);
    });

    it.each([
      [-1n, 0n],
      [4096n, 0n],
      [0n, 1_048_576n],
      [2n ** 32n + 1n, 3n],
      [1n, 2n ** 63n - 1n],
    ])('the device %i:%i is refused, not cut', async (major, minor) => {
      const request = createRequest(freshId(), {
        root: fixture.root,
        run: 'true',
        linux: {
          Namespaces: [{ Type: 'mount' }],
          Devices: [{ Path: '/dev/odd', Type: 'c', Major: major, Minor: minor }],
        },
      });
      await expectStatus(fixture.client.call('CreateContainer', request), 'invalid_argument', 'linux.devices');
    });

    it.each([-1001n, 1001n, 2n ** 31n, -(2n ** 63n)])('an oom score of %i is refused', async (score) => {
      const request = createRequest(freshId(), { root: fixture.root, run: 'true', process: { OOMScoreAdj: score } });
      await expectStatus(fixture.client.call('CreateContainer', request), ['invalid_argument', 'internal'], 'oom');
    });

    it.each([2, 0x1_0010, 0xffff_0020])('a window of %i lines is cut to what the kernel has', async (rows) => {
      await using container = await TestContainer.start(fixture.client, {
        root: fixture.root,
        run: 'read x; stty size; echo end',
        terminal: true,
      });
      await container.resize(rows, 80);
      await container.write('\n');
      const text = await container.readUntil('end\r\n');
      expect(text).toContain(`${rows & 0xffff} 80`);
    });
  });

  describe('ENG-05: sizes', () => {
    it.each([
      ['nested 100,000 deep', `x = ${'['.repeat(100_000)}${']'.repeat(100_000)}`],
      ['nested 100,000 tables deep', `[${'a.'.repeat(100_000)}a]\nx = 1`],
      ['of 16 MiB', `x = "${'y'.repeat(16 << 20)}"`],
      ['that is no TOML', '\u0000\u0001\u0002='],
      ['with a key of 1 MiB', `${'k'.repeat(1 << 20)} = 1`],
    ])('a configuration file %s ends in a message or is taken', async (_, text) => {
      const file = join(fixture.roots.folder, 'hostile.toml');
      writeFileSync(file, text);
      const start = within(20_000, 'the start', startAgent({ args: ['--config', file] }));
      const agent = await start.catch((error: unknown) => error as Error);
      if (agent instanceof Error) {
        expect(agent.message).toContain('ended before it listened');
        expect(agent.message).toMatch(/config|toml|hostile/i);
        expect(agent.message.length).toBeLessThan(20_000);
      } else {
        await (await agent.connect()).check();
        expect(await agent.stop()).toBe(143);
        await agent[Symbol.asyncDispose]();
      }
    });

    it.each<[string, (big: string) => object]>([
      ['id', (big) => ({ container_id: big })],
      ['root', (big) => ({ container_id: freshId(), OCI: containerSpec('x', { root: `/${big}` }) })],
      ['argument', (big) => createRequest(freshId(), { root: '/nowhere', run: [big] })],
      ['environment', (big) => createRequest(freshId(), { root: '/nowhere', env: [big] })],
      ['host name', (big) => createRequest(freshId(), { root: '/nowhere', spec: { Hostname: big } })],
      [
        'capability',
        (big) => createRequest(freshId(), { root: '/nowhere', process: { Capabilities: { Bounding: [big] } } }),
      ],
      ['sysctl', (big) => createRequest(freshId(), { root: '/nowhere', linux: { Sysctl: new Map([[big, '1']]) } })],
      ['cgroup path', (big) => createRequest(freshId(), { root: '/nowhere', linux: { CgroupsPath: big } })],
      ['namespace', (big) => createRequest(freshId(), { root: '/nowhere', linux: { Namespaces: [{ Type: big }] } })],
      ['driver', (big) => ({ ...createRequest(freshId(), { root: '/nowhere' }), storages: [{ driver: big }] })],
    ])('a text of 1 MiB as %s is refused quickly, in a short message', async (_, make) => {
      for (const character of ['a', '/', '.', ':', '%', ' ', 'a/', '../', '.a']) {
        const big = character.repeat((1 << 20) / character.length);
        const call = within(20_000, `a text of ${character}`, fixture.client.call('CreateContainer', make(big)));
        const text = await expectStatus(call, ['invalid_argument', 'internal', 'not_found']);
        expect(text.length).toBeLessThan(8192);
      }
    });

    it('65,000 list elements are taken or refused as a whole, and others are served meanwhile', async () => {
      const many = Array.from({ length: 60_000 }, (_, index) => `K${index}=v`);
      const lists: [string, object][] = [
        ['env', createRequest(freshId(), { root: fixture.root, run: 'true', env: ['PATH=/bin', ...many] })],
        ['args', createRequest(freshId(), { root: fixture.root, run: ['true', ...many] })],
        [
          'masks',
          createRequest(freshId(), {
            root: fixture.root,
            run: 'true',
            linux: { Namespaces: [{ Type: 'mount' }], MaskedPaths: many.map((name) => `/${name}`) },
          }),
        ],
        [
          'gids',
          createRequest(freshId(), {
            root: fixture.root,
            run: 'true',
            process: { User: { AdditionalGids: many.map((_, index) => index) } },
          }),
        ],
      ];
      for (const [, request] of lists) {
        const id = (request as { container_id: string }).container_id;
        const created = fixture.client.call('CreateContainer', request).then(
          () => true,
          () => false,
        );
        await fixture.watched.alive();
        if (await created) await TestContainer.attach(fixture.client, id).remove();
      }
    });
  });

  describe('ENG-07: chosen keys', () => {
    const keys = collidingKeys(4096);

    it('collide, or this test shows nothing', () => {
      expect(new Set(keys).size).toBe(4096);
      expect(new Set(keys.map(hash)).size).toBe(1);
    });

    it('above 2000 in a message are refused by their number', async () => {
      for (const list of [keys.slice(0, 2001), keys]) {
        const request = createRequest(freshId(), {
          root: fixture.root,
          spec: { Annotations: new Map(list.map((key) => [key, ''])) },
        });
        await expectStatus(fixture.client.call('CreateContainer', request), 'invalid_argument');
      }
    });

    it('below that are taken, and nobody waits for it', async () => {
      const annotations = new Map(keys.slice(0, 1900).map((key) => [key, '']));
      const request = createRequest(freshId(), {
        root: fixture.root,
        run: ['/nope'],
        spec: { Annotations: annotations },
      });
      const codec = services.method('grpc.AgentService', 'CreateContainer').request;
      await using connection = await RawConnection.open(fixture.agent);
      const frames = Array.from({ length: 10 }, (_, index) =>
        agentCall(2 * index + 1, 'CreateContainer', codec.encode(request)),
      );
      void connection.send(...frames);
      await fixture.watched.alive();
      expect(await connection.take(10)).toHaveLength(10);
    });

    it('as names in the environment are taken or refused, and nobody waits', async () => {
      const request = createRequest(freshId(), {
        root: fixture.root,
        run: ['/nope'],
        env: keys.map((key) => `${key}=x`),
      });
      const created = fixture.client.call('CreateContainer', request).catch(() => undefined);
      await fixture.watched.alive();
      await created;
    });
  });
});
