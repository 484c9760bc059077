import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { createRequest, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';

const KIND = 'vendor.com/accel';
/** As a tool of the guest's image writes it. */
const DOCUMENT = `---
cdiVersion: 0.5.0
kind: ${KIND}
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/accel0
      hostPath: /dev/zero
containerEdits:
  additionalGids: [44]
  env:
  - ACCEL_PATH=/opt/accel:/usr
  hooks:
  - args:
    - sh
    - -c
    - echo hooked >LOG
    hookName: createContainer
    path: /bin/sh
  mounts:
  - containerPath: /opt/accel/version
    hostPath: /etc/hostname
    options:
    - ro
    - nosuid
    - bind
`;

describe('devices that the guest describes (CDI)', { timeout: 30_000 }, () => {
  const settings = join(mkdtempSync(join(tmpdir(), 'kihon-cdi-')), 'agent.toml');
  writeFileSync(settings, '[cdi_timeout]\nsecs = 2\nnanos = 0\n');
  const fixture = useAgent({ args: ['--config', settings] });
  afterAll(() => rmSync(dirname(settings), { recursive: true }));
  const hooked = join(dirname(settings), 'hooked');
  const folder = (): string => fixture.agent.path('/run/cdi');
  const describeDevices = (text: string): void => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(`${folder()}/accel.yaml`, text.replace('LOG', hooked));
  };
  const wants = (devices: string, run = 'sleep 600'): ContainerOptions => ({
    root: fixture.root,
    run,
    spec: { Annotations: new Map([['cdi.k8s.io/accel', devices]]) },
    linux: { Resources: { Devices: [{ Allow: false, Access: 'rwm' }] } },
  });
  afterEach(() => rmSync(folder(), { recursive: true, force: true }));

  it('reach a container with nodes, files, variables, groups and hooks', async () => {
    describeDevices(DOCUMENT);
    const script = [
      'stat -c %t:%T /dev/accel0',
      'head -c 3 /dev/accel0 | od -An -tx1',
      'echo $ACCEL_PATH',
      'id -G',
      'echo x 2>/dev/null >/opt/accel/version || echo ro',
    ].join('; ');
    const outcome = await TestContainer.run(fixture.client, wants(`${KIND}=0`, script));
    expect(outcome.stdout).toBe('1:5\n 00 00 00\n/opt/accel:/usr\n0 44\nro\n');
    expect(readFileSync(hooked, 'utf8')).toBe('hooked\n');
  });

  it('are waited for', async () => {
    const created = TestContainer.create(fixture.client, wants(`${KIND}=0`));
    await sleep(500);
    describeDevices(DOCUMENT);
    await using container = await created;
    expect(container.id).not.toBe('');
  });

  it.each([
    [`${KIND}=1`, `${KIND}=1 do not exist`],
    ['vendor.com/other=0', 'failed to inject devices after CDI timeout'],
    ['nonsense', 'cdi.k8s.io/accel'],
  ])('that are not there fail the container with their names: %s', async (devices, words) => {
    describeDevices(DOCUMENT);
    const call = fixture.client.call('CreateContainer', createRequest(freshId(), wants(devices)));
    await expectStatus(call, ['internal'], words);
  });
});
