import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { startAgent, type AgentProcess } from '../support/agent/start-agent.ts';
import { fetchScript } from '../support/container/fetch-script.ts';
import { RootFilesystems } from '../support/container/root-filesystem.ts';
import { TestContainer } from '../support/container/test-container.ts';

const MAC = '02:00:00:AA:BB:01';
const OTHER_MAC = '02:00:00:AA:BB:02';

/** A web server on the other side, for both families. */
const SERVER = `
const http = require('node:http');
http.createServer((request, response) => response.end('hello from the other side')).listen({ host: '::', port: 8080 }, () => console.log('ready'));
`;

/** A second network namespace with a server, and a veth pair between it and the agent's. */
class OtherSide implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
  }

  static async create(agent: AgentProcess): Promise<OtherSide> {
    const child = spawn('unshare', ['--net', process.execPath, '-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const side = new OtherSide(child);
    try {
      await Promise.race([once(child.stdout, 'data'), side.#closed]);
      ip(agent, `link add veth0 address ${MAC} type veth peer name veth1 netns ${child.pid}`);
      for (const line of [
        'link set lo up',
        'addr add 10.9.0.1/24 dev veth1',
        'addr add fd09::1/64 dev veth1 nodad',
        'link set veth1 up',
      ])
        side.ip(line);
      return side;
    } catch (error) {
      await side[Symbol.asyncDispose]();
      throw error;
    }
  }

  ip(line: string): string {
    return inNamespace(this.#child.pid, line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

function inNamespace(pid: number | undefined, line: string): string {
  return execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...line.split(' ')], { encoding: 'utf8' });
}

const ip = (agent: AgentProcess, line: string): string => inNamespace(agent.pid, line);

interface Shown {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

/** An interface as another tool sees it. */
function show(agent: AgentProcess, name: string): Shown {
  const [found] = JSON.parse(ip(agent, `-json addr show dev ${name}`)) as Shown[];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const WANTED = {
  name: 'eth0',
  hwAddr: MAC.toLowerCase(),
  mtu: 1400n,
  IPAddresses: [
    { family: 0, address: '10.9.0.2', mask: '24' },
    { family: 1, address: 'fd09::2', mask: '64' },
  ],
};

const ROUTES = [
  // The gateway's own route comes last on purpose.
  { dest: '', gateway: '10.9.0.1', device: 'eth0', mtu: 1300 },
  { dest: '::/0', gateway: 'fd09::1', device: 'eth0', family: 1 },
  { dest: '10.77.0.0/16', gateway: '10.77.1.1', device: 'eth0' },
  { dest: '10.77.1.1/32', device: 'eth0', scope: 253, source: '10.9.0.2' },
];

describe('the network of a sandbox', () => {
  let roots: RootFilesystems;
  beforeAll(async () => {
    roots = await RootFilesystems.create();
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  it('is made by UpdateInterface and UpdateRoutes, and a container reaches the other side over both families', async () => {
    await using agent = await startAgent({ hasNetworkNamespace: true });
    await using _other = await OtherSide.create(agent);
    const client = await agent.connect();
    await client.call('CreateSandbox', {});
    const answer = await client.call('UpdateInterface', { interface: WANTED });
    expect(answer).toMatchObject({ name: 'eth0', hwAddr: WANTED.hwAddr, mtu: 1400n });
    const link = show(agent, 'eth0');
    expect(link.mtu).toBe(1400);
    expect(link.flags).toContain('UP');
    for (const [local, prefixlen] of [
      ['10.9.0.2', 24],
      ['fd09::2', 64],
    ])
      expect(link.addr_info).toContainEqual(expect.objectContaining({ local, prefixlen }));
    const { Routes } = await client.call('UpdateRoutes', { routes: { Routes: ROUTES } });
    expect(Routes).toContainEqual(
      expect.objectContaining({ dest: '0.0.0.0/0', gateway: '10.9.0.1', device: 'eth0', mtu: 1300 }),
    );
    expect(Routes).toContainEqual(
      expect.objectContaining({ dest: '::/0', gateway: 'fd09::1', device: 'eth0', family: 1 }),
    );
    expect(Routes).toContainEqual(expect.objectContaining({ dest: '10.77.0.0/16', gateway: '10.77.1.1' }));
    expect(Routes).toContainEqual(expect.objectContaining({ dest: '10.77.1.1/32', source: '10.9.0.2', scope: 253 }));
    for (const address of ['10.9.0.1', '[fd09::1]']) {
      const run = fetchScript(`http://${address}:8080/`);
      const outcome = await TestContainer.run(client, { root: roots.shared, run });
      expect(outcome).toMatchObject({ stdout: 'hello from the other side', status: 0 });
    }
  });

  it('can be updated again and again with the same values', async () => {
    await using agent = await startAgent({ hasNetworkNamespace: true });
    await using _other = await OtherSide.create(agent);
    const client = await agent.connect();
    for (let round = 0; round < 3; round++) {
      await client.call('UpdateInterface', { interface: WANTED });
      await client.call('UpdateRoutes', { routes: { Routes: ROUTES } });
    }
    const { Interfaces } = await client.call('ListInterfaces', {});
    expect(Interfaces.map(({ name }) => name)).toEqual(expect.arrayContaining(['lo', 'eth0']));
    const eth0 = Interfaces.find(({ name }) => name === 'eth0');
    expect(eth0).toMatchObject({ hwAddr: MAC, mtu: 1400n });
    expect(eth0?.IPAddresses).toContainEqual({ address: '10.9.0.2', mask: '24' });
    expect(eth0?.IPAddresses).toContainEqual({ family: 1, address: 'fd09::2', mask: '64' });
    const { Routes } = await client.call('ListRoutes', {});
    expect(Routes.filter(({ dest }) => dest === '0.0.0.0/0')).toHaveLength(1);
  });

  it('gives a name that somebody has to the interface that shall have it, and back', async () => {
    await using agent = await startAgent({ hasNetworkNamespace: true });
    await using _other = await OtherSide.create(agent);
    const client = await agent.connect();
    ip(agent, `link add eth0 address ${OTHER_MAC} type veth peer name eth0p`);
    ip(agent, 'link set eth0 up');
    await client.call('UpdateInterface', { interface: WANTED });
    expect(show(agent, 'eth0').mtu).toBe(1400);
    // The displaced one got the other name, and is up as before.
    const displaced = show(agent, 'veth0');
    expect(displaced.flags).toContain('UP');
    expect(ip(agent, 'link show dev veth0')).toContain(OTHER_MAC.toLowerCase());
  });

  it('takes a card by name that has another hardware address, and gives it the wanted one', async () => {
    await using agent = await startAgent({ hasNetworkNamespace: true });
    await using _other = await OtherSide.create(agent);
    const client = await agent.connect();
    await client.call('UpdateInterface', { interface: { ...WANTED, name: 'veth0', hwAddr: OTHER_MAC } });
    expect(ip(agent, 'link show dev veth0')).toContain(OTHER_MAC.toLowerCase());
  });

  it('has neighbours that a host knows', async () => {
    await using agent = await startAgent({ hasNetworkNamespace: true });
    await using _other = await OtherSide.create(agent);
    const client = await agent.connect();
    await client.call('UpdateInterface', { interface: WANTED });
    const neighbour = (address: string, lladdr: string) => ({
      toIPAddress: { address },
      device: 'eth0',
      lladdr,
      state: 0,
      flags: 0,
    });
    const ARPNeighbors = [neighbour('10.9.0.7', '02:00:00:00:00:07'), neighbour('fd09::7', '02:00:00:00:00:08')];
    await client.call('AddARPNeighbors', { neighbors: { ARPNeighbors } });
    const table = ip(agent, 'neigh show dev eth0');
    expect(table).toMatch(/10\.9\.0\.7 lladdr 02:00:00:00:00:07 PERMANENT/);
    expect(table).toMatch(/fd09::7 lladdr 02:00:00:00:00:08 PERMANENT/);
  });

  describe('API-10: refuses', () => {
    let agent: AgentProcess;
    let client: AgentClient;
    let other: OtherSide;
    beforeAll(async () => {
      agent = await startAgent({ hasNetworkNamespace: true });
      other = await OtherSide.create(agent);
      client = await agent.connect();
    });
    afterAll(async () => {
      await other[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
    });

    const state = (): string => ip(agent, 'addr') + ip(agent, 'route') + ip(agent, 'neigh');

    it.each([
      ['no interface', undefined],
      ['an empty name', { name: '' }],
      ['a dot', { name: '.' }],
      ['a path', { name: 'a/b' }],
      ['a colon', { name: 'a:b' }],
      ['a pattern', { name: 'eth%d' }],
      ['a name of 16 bytes', { name: 'a'.repeat(16) }],
      ['a name of 70,000 bytes', { name: 'a'.repeat(70_000) }],
      ['no hardware address', { hwAddr: '' }],
      ['a hardware address of 5 bytes', { hwAddr: '02:00:00:00:01' }],
      ['a hardware address of 32 bytes', { hwAddr: Array(32).fill('02').join(':') }],
      ['an MTU of 0', { mtu: 0n }],
      ['an MTU of 2^32-1', { mtu: 2n ** 32n - 1n }],
      ['an MTU of 2^64-1', { mtu: 2n ** 64n - 1n }],
      ['no address', { IPAddresses: [{ address: 'nowhere', mask: '24' }] }],
      ['a prefix of 33', { IPAddresses: [{ address: '10.0.0.1', mask: '33' }] }],
      [
        'a prefix that is no number',
        {
          IPAddresses: [
            { address: '10.0.0.1', mask: '24' },
            { address: '10.0.0.1', mask: '255.0.0.0' },
          ],
        },
      ],
    ])('%s, and nothing has changed', async (_what, change) => {
      const before = state();
      const request = change === undefined ? {} : { interface: { ...WANTED, ...change } };
      await expectStatus(client.call('UpdateInterface', request), 'invalid_argument');
      expect(state()).toBe(before);
    });

    it('an MTU that the driver does not take, and puts everything back', async () => {
      const before = state();
      await expectStatus(
        client.call('UpdateInterface', { interface: { ...WANTED, mtu: 100_000n } }),
        'internal',
        /mtu 100000/,
      );
      expect(state()).toBe(before);
    });

    it('a card that is not there, in the words that make a host try again', async () => {
      const missing = { ...WANTED, name: 'eth7', hwAddr: OTHER_MAC };
      await expectStatus(client.call('UpdateInterface', { interface: missing }), 'internal', /Link not found/);
    });

    it.each([
      ['no routes', undefined],
      ['a destination of the other family', { dest: 'fd00::/8', device: 'veth0' }],
      ['a prefix beyond the address', { dest: '10.0.0.0/40', device: 'veth0' }],
      ['a gateway that is no address', { dest: '', gateway: 'x', device: 'veth0' }],
      ['no device', { dest: '10.5.0.0/16' }],
    ])('routes with %s', async (_what, route) => {
      const before = state();
      const good = { dest: '10.66.0.0/16', device: 'veth0', scope: 253 };
      const request = route === undefined ? {} : { routes: { Routes: [good, route] } };
      await expectStatus(client.call('UpdateRoutes', request), 'invalid_argument');
      expect(state()).toBe(before);
    });

    it('a route through a device that is not there', async () => {
      const Routes = [{ dest: '10.66.0.0/16', device: 'eth9' }];
      await expectStatus(client.call('UpdateRoutes', { routes: { Routes } }), 'internal', /Link not found \(eth9\)/);
    });

    it('neighbours without address or with a bad one', async () => {
      await expectStatus(client.call('AddARPNeighbors', {}), 'invalid_argument');
      for (const entry of [
        { device: 'veth0' },
        { toIPAddress: { address: '10.9.0.9' }, device: 'veth0', lladdr: '1:2' },
      ])
        await expectStatus(
          client.call('AddARPNeighbors', { neighbors: { ARPNeighbors: [entry] } }),
          'invalid_argument',
        );
    });
  });

  it('API-10: takes 10,000 routes', async () => {
    await using agent = await startAgent({ hasNetworkNamespace: true });
    await using _other = await OtherSide.create(agent);
    const client = await agent.connect();
    await client.call('UpdateInterface', { interface: WANTED });
    const Routes = Array.from({ length: 10_000 }, (_, index) => ({
      dest: `10.${100 + (index >> 14)}.${(index >> 6) & 255}.${(index & 63) << 2}/30`,
      device: 'eth0',
      scope: 253,
    }));
    const answer = await client.call('UpdateRoutes', { routes: { Routes } });
    expect(answer.Routes.length).toBeGreaterThanOrEqual(10_000);
    await client.check();
  });
});

/** Stands for the image's tool: shows its arguments, then its input. */
const TOOL = '#!/bin/sh\necho "$0 $*"\ncat\n';

describe('the packet filter of a sandbox', () => {
  const directory = '/run/kihon-tools';

  /** The agent sees our tools as /usr/sbin: in its mount namespace only. */
  const prepare = (script: string): string =>
    `mkdir -p ${directory}; for name in iptables ip6tables; do for what in save restore; do printf '%s' '${script}' >${directory}/$name-$what; chmod 755 ${directory}/$name-$what; done; done; mount --bind ${directory} /usr/sbin`;

  it('is read and written by the tools of the image, by family', async () => {
    await using agent = await startAgent({ prepare: prepare(TOOL) });
    const client = await agent.connect();
    const text = async (answer: Promise<{ data: Uint8Array }>): Promise<string> =>
      Buffer.from((await answer).data).toString();
    const data = Buffer.from('*filter\nCOMMIT\n');
    expect(await text(client.call('GetIPTables', {}))).toBe('/usr/sbin/iptables-save \n');
    expect(await text(client.call('GetIPTables', { is_ipv6: true }))).toBe('/usr/sbin/ip6tables-save \n');
    expect(await text(client.call('SetIPTables', { data }))).toBe(
      `/usr/sbin/iptables-restore --wait 5\n${data.toString()}`,
    );
    expect(await text(client.call('SetIPTables', { is_ipv6: true, data }))).toContain('ip6tables-restore --wait 5');
  });

  it('API-09: says what the tool said, bounds endless output, and takes 10 MiB of rules for a mistake', async () => {
    await using agent = await startAgent({
      prepare: prepare('#!/bin/sh\necho bad rule >&2\nyes | head -c 8000000\nexit 2\n'),
    });
    const client = await agent.connect();
    await expectStatus(
      client.call('SetIPTables', { data: Buffer.from('x') }),
      'internal',
      /iptables-restore: exit code 2: bad rule/,
    );
    expect((await client.call('GetIPTables', {})).data.length).toBe(3 << 20);
    await client.check();
  });

  it('API-09: is missing by name in a guest without the tools', async () => {
    await using agent = await startAgent({
      prepare: `mkdir -p ${directory}; for place in /usr/sbin /sbin; do mount --bind ${directory} $place; done`,
    });
    const client = await agent.connect();
    await expectStatus(client.call('GetIPTables', {}), 'internal', /iptables-save: not in this guest's image/);
  });
});
