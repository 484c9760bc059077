import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { services } from '../../proto/gen/services.js';
import { EPHEMERAL, useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { AgentProcess, startAgent } from '../support/agent/start-agent.ts';
import { createRequest } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { within } from '../support/eventually.ts';
import { allowAllBut, GENERATED_POLICY } from '../support/policies.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-policy-'));
const policyFile = join(folder, 'policy.rego');

/** Names of all requests, as rules. */
const requests = [
  ...new Set(
    services
      .methods('grpc.AgentService')
      .map((method) => services.find('grpc.AgentService', method)?.request.type.name ?? ''),
  ),
];
/** Reads are answered, without data; SetPolicy is needed to go on. */
const unjudged = ['ReadStreamRequest', 'SetPolicyRequest'];
const except = (rules: string, ...names: string[]): string =>
  allowAllBut(
    rules,
    requests.filter((name) => !names.includes(name)),
  );
const openPolicy = except('');
writeFileSync(policyFile, openPolicy);
afterAll(() => rmSync(folder, { recursive: true }));

/** Rules that let the tests change the policy again. */
const changeable = GENERATED_POLICY.replace('default SetPolicyRequest := false', 'default SetPolicyRequest := true');

describe('a policy in the image', () => {
  const fixture = useAgent({
    env: { KATA_AGENT_POLICY_FILE: policyFile },
    prepare: 'mkdir -p /run/kata-containers/shared/containers',
  });
  const setPolicy = (policy: string) => fixture.client.call('SetPolicy', { policy });

  afterEach(async () => {
    await setPolicy(openPolicy);
  });

  it('is told by GetGuestDetails', async () => {
    const { agent_details } = await fixture.client.call('GetGuestDetails', {});
    expect(agent_details?.extra_features).toContain('agent-policy');
  });

  it('that allows changes nothing', async () => {
    expect(await TestContainer.run(fixture.client, { root: fixture.root, run: 'echo out' })).toMatchObject({
      stdout: 'out\n',
      status: 0,
    });
  });

  it.each(requests.filter((name) => !unjudged.includes(name)))(
    '%s that it denies is refused before anything else is looked at',
    async (name) => {
      await setPolicy(except(`default ${name} := false`, name));
      for (const method of services.methods('grpc.AgentService')) {
        if (services.find('grpc.AgentService', method)?.request.type.name !== name) continue;
        const call = fixture.client.call(method as 'PauseContainer', { container_id: 'nobody' });
        await expectStatus(call, 'permission_denied', `${name} is blocked by policy: `);
      }
      await fixture.client.check();
    },
  );

  it('that denies reading leaves the output empty', async () => {
    await setPolicy(except('default ReadStreamRequest := false', 'ReadStreamRequest'));
    await using container = await TestContainer.create(fixture.client, { root: fixture.root, run: 'echo secret' });
    await container.start();
    expect(await container.finish()).toMatchObject({ stdout: '', stderr: '', status: 0 });
  });

  it('that has no rule for a request, or one without an answer, fails it', async () => {
    await setPolicy(except('', 'StatsContainerRequest'));
    const stats = () => fixture.client.call('StatsContainer', { container_id: 'nobody' });
    await expectStatus(stats(), 'internal', 'StatsContainerRequest: internal error ');
    for (const rule of [
      '"yes"',
      '{"ops": []}',
      '{"allowed": true, "ops": [{"op": "remove", "path": "/nothing"}]}',
      'true\nStatsContainerRequest := false',
      '1 / 0',
      'count(numbers.range(1, 1000000000))',
    ]) {
      await setPolicy(except(`StatsContainerRequest := ${rule}`, 'StatsContainerRequest'));
      await expectStatus(stats(), 'internal', 'StatsContainerRequest: internal error ');
    }
  });

  it('that needs for ever is cut off, and the agent goes on', async () => {
    const rule = 'StatsContainerRequest if { n := numbers.range(1, 1000); n[_] + n[_] + n[_] < 0 }';
    await setPolicy(except(rule, 'StatsContainerRequest'));
    const call = fixture.client.call('StatsContainer', { container_id: 'nobody' });
    await within(30_000, 'an answer', expectStatus(call, 'internal', 'steps'));
  });

  it('that allows what it refuses lets all pass but errors', async () => {
    await setPolicy(
      'package agent_policy\ndefault AllowRequestsFailingPolicy := true\ndefault SetPolicyRequest := true',
    );
    await expectStatus(fixture.client.call('StatsContainer', { container_id: 'nobody' }), 'not_found');
  });

  it('sees the request and keeps state from one to the next', async () => {
    await setPolicy(changeable);
    const root = fixture.root;
    const env = ['PATH=/bin', 'GREETING=hello', 'HOSTNAME=pod'];
    const storage = { driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point: `${EPHEMERAL}/data` };
    // It stays after its containers, as the fixture's first one left it.
    const kept = { ...storage, mount_point: `${EPHEMERAL}/first` };
    const good = { root, run: 'sleep 600', env, request: { storages: [kept] } };
    const create = (options: object, id = freshId()) =>
      fixture.client.call('CreateContainer', createRequest(id, { ...good, ...options }));
    for (const bad of [
      { run: 'id' },
      { env: [...env, 'LD_PRELOAD=/x'] },
      { env: ['HOSTNAME=Pod'] },
      { request: { storages: [{ ...storage, mount_point: `${EPHEMERAL}/../../x` }] } },
      { request: { storages: [{ ...storage, options: ['exec'] }] } },
    ])
      await expectStatus(
        create({ request: { storages: [storage] }, ...bad }),
        'permission_denied',
        'CreateContainerRequest is blocked by policy: ',
        'agent_policy:23: trying container 0',
      );
    const hooks = create({ request: { storages: [storage] }, spec: { Hooks: { Prestart: [{ Path: '/bin/true' }] } } });
    await expectStatus(hooks, 'permission_denied', 'CreateContainerRequest is blocked by policy: ');
    expect(existsSync(fixture.agent.path(`${EPHEMERAL}/data`))).toBe(false);

    const id = freshId();
    await create({}, id);
    // Removed below, and by the policy's state only once.
    const container = TestContainer.attach(fixture.client, id);
    await container.start();
    // Its id is in the state now.
    await expectStatus(create({}, id), 'permission_denied');
    expect(await container.execute(['/bin/sh', '-c', 'echo probe'])).toMatchObject({ stdout: 'probe\n' });
    await expectStatus(container.exec(['/bin/sh', '-c', 'echo other']), 'permission_denied', 'echo other');
    await container.killAll();
    await container.remove();
    await expectStatus(fixture.client.call('RemoveContainer', { container_id: id }), 'internal', 'internal error');
    await create({}, id);
    await fixture.client.call('RemoveContainer', { container_id: id });
  });

  it('sees a copied file by its type and path', async () => {
    await setPolicy(changeable);
    const share = '/run/kata-containers/shared/containers';
    const copy = (path: string, file_mode: number, data = Buffer.alloc(0)) =>
      fixture.client.call('CopyFile', { path, file_mode, dir_mode: 0o755, uid: 0, gid: 0, file_size: 0n, data });
    await copy(`${share}/resolv-conf`, 0o100644);
    await expectStatus(copy(`${share}/a/b`, 0o100644), 'permission_denied');
    await expectStatus(copy(`${share}/../x`, 0o100644), 'permission_denied');
    await expectStatus(copy(`${share}/link`, 0o120777, Buffer.from('/etc')), 'permission_denied');
    await expectStatus(copy(`${share}/link`, 0o120777, Buffer.from([0xff])), 'internal', 'not UTF-8');
    expect(existsSync(fixture.agent.path(`${share}/link`))).toBe(false);
    rmSync(fixture.agent.path(`${share}/resolv-conf`));
  });

  it('is replaced only by one that can be used', async () => {
    await setPolicy(except('default StatsContainerRequest := false', 'StatsContainerRequest'));
    for (const bad of ['', 'package agent_policy\nr := ', 'package other', 'package agent_policy\nr := s\ns := r'])
      await expectStatus(setPolicy(bad), 'invalid_argument', 'the policy cannot be used');
    const call = fixture.client.call('StatsContainer', { container_id: 'nobody' });
    await expectStatus(call, 'permission_denied');
  });

  it('API-14: what it prints is for the caller, not for the log', async () => {
    const rule =
      'default StatsContainerRequest := false\nStatsContainerRequest if { print("MARKER", input.container_id); false }';
    await setPolicy(except(rule, 'StatsContainerRequest'));
    const call = fixture.client.call('StatsContainer', { container_id: 'who-asks' });
    await expectStatus(call, 'permission_denied', 'MARKER who-asks');
    expect(fixture.agent.log).toContain('StatsContainerRequest is blocked by policy');
    expect(fixture.agent.log).not.toContain('MARKER');
  });
});

describe('an agent', () => {
  it('whose policy does not let the host change it keeps it', async () => {
    const path = join(folder, 'locked.rego');
    writeFileSync(path, GENERATED_POLICY);
    await using agent = await startAgent({ env: { KATA_AGENT_POLICY_FILE: path } });
    const client = await agent.connect();
    await expectStatus(client.call('SetPolicy', { policy: openPolicy }), 'permission_denied', 'SetPolicyRequest');
    await expectStatus(client.call('GetMetrics', {}), 'internal', 'GetMetricsRequest: internal error');
  });

  it.each([
    ['is missing', undefined],
    ['does not parse', 'package agent_policy\nr :='],
    ['is not UTF-8', Buffer.from([0xff, 0xfe])],
    ['is of another package', 'package other\ndefault SetPolicyRequest := true'],
  ])('whose policy %s does not serve', async (_, content) => {
    const path = join(folder, `broken-${freshId()}.rego`);
    if (content !== undefined) writeFileSync(path, content);
    await using agent = new AgentProcess({ env: { KATA_AGENT_POLICY_FILE: path } });
    expect(await agent.exit()).toBe(1);
    expect(agent.log).toContain(path);
  });

  it('without a policy does not know SetPolicy', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    const call = client.call('SetPolicy', { policy: openPolicy });
    await expectStatus(call, 'not_found', '/grpc.AgentService/SetPolicy is not supported');
    expect((await client.call('GetGuestDetails', {})).agent_details?.extra_features).not.toContain('agent-policy');
  });
});
