import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { fetchScript } from '../support/container/fetch-script.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MAC = '52:54:00:12:34:56';
/** Where the card is plugged in; QEMU's own network behind it: the host is .2, and fec0::2. */
const SLOT = '1e';

describe('a guest with a network card', () => {
  const fixture = useVm({
    config: {
      qemuArguments: [
        ...['-netdev', 'user,id=net0'],
        ...['-device', `virtio-net-pci,netdev=net0,mac=${MAC},addr=0x${SLOT}`],
      ],
    },
  });
  const server = createServer((_request, response) => response.end('hello from the host'));
  beforeAll(async () => {
    server.listen({ host: '::', port: 0 });
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  it('is configured by its PCI path, and its containers reach the host over both families', async () => {
    const { client, root } = fixture;
    const answer = await client.call('UpdateInterface', {
      interface: {
        name: 'eth0',
        hwAddr: MAC,
        mtu: 1500n,
        devicePath: SLOT,
        IPAddresses: [
          { address: '10.0.2.15', mask: '24' },
          { address: 'fec0::15', mask: '64' },
        ],
      },
    });
    expect(answer.name).toBe('eth0');
    const Routes = [
      { dest: '', gateway: '10.0.2.2', device: 'eth0' },
      { dest: '', gateway: 'fec0::2', device: 'eth0', family: 1 },
    ];
    await client.call('UpdateRoutes', { routes: { Routes } });
    const { port } = server.address() as AddressInfo;
    for (const host of ['10.0.2.2', '[fec0::2]']) {
      const outcome = await TestContainer.run(client, { root, run: fetchScript(`http://${host}:${port}/`) });
      expect(outcome).toMatchObject({ stdout: 'hello from the host', status: 0 });
    }
  });

  it('says after the deadline which card did not come', async () => {
    const wanted = { name: 'eth1', hwAddr: '52:54:00:00:00:99', mtu: 1500n, devicePath: '1d' };
    await expectStatus(fixture.client.call('UpdateInterface', { interface: wanted }), 'internal', 'PCI path 1d.0');
  });
});
