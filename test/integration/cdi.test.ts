import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { createRequest, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';

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

/** An agent with this much time for a description to appear, in s; else it has the default of 100. */
function useCdi(timeoutS?: number) {
  const place = mkdtempSync(join(tmpdir(), 'kihon-cdi-'));
  afterAll(() => rmSync(place, { recursive: true }));
  const settings = join(place, 'agent.toml');
  writeFileSync(settings, timeoutS === undefined ? '' : `[cdi_timeout]\nsecs = ${timeoutS}\nnanos = 0\n`);
  const fixture = useAgent({ args: ['--config', settings] });
  const hooked = join(place, 'hooked');
  const folder = (): string => fixture.agent.path('/run/cdi');
  const describeDevices = (): void => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(`${folder()}/accel.yaml`, DOCUMENT.replace('LOG', hooked));
  };
  const wants = (devices: string, run = 'sleep 600'): ContainerOptions => ({
    root: fixture.root,
    run,
    spec: { Annotations: new Map([['cdi.k8s.io/accel', devices]]) },
    linux: { Resources: { Devices: [{ Allow: false, Access: 'rwm' }] } },
  });
  afterEach(() => rmSync(folder(), { recursive: true, force: true }));
  const refusal = async (devices: string, words: string): Promise<void> => {
    describeDevices();
    const call = fixture.client.call('CreateContainer', createRequest(freshId(), wants(devices)));
    await expectStatus(call, ['internal'], words);
  };
  return { fixture, hooked, folder, describeDevices, wants, refusal };
}

describe('devices that the guest describes (CDI)', () => {
  const { fixture, hooked, folder, describeDevices, wants, refusal } = useCdi();

  it('reach a container with nodes, files, variables, groups and hooks', async () => {
    describeDevices();
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
    mkdirSync(folder());
    utimesSync(folder(), 0, 0);
    const created = TestContainer.create(fixture.client, wants(`${KIND}=0`));
    // The agent has read the folder, and has found nothing in it.
    await eventually(() => expect(statSync(folder()).atimeMs).toBeGreaterThan(0));
    describeDevices();
    await using container = await created;
    expect(container.id).not.toBe('');
  });

  it.each([
    [`${KIND}=1`, `${KIND}=1 do not exist`],
    ['nonsense', 'cdi.k8s.io/accel'],
  ])('that cannot be there fail the container at once, with their names: %s', refusal);
});

describe('devices that nobody describes in time (CDI)', () => {
  const { refusal } = useCdi(1);

  it('fail the container', async () => {
    await refusal(
      'vendor.com/other=0',
      'failed to inject devices after CDI timeout: no description of vendor.com/other=0',
    );
  });
});
