import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { compileContainer } from '../../../agent/src/libcontainer/plan/compile-container.ts';
import { InheritedDescriptors } from '../../../agent/src/libcontainer/plan/inherited-descriptors.ts';
import { specFromJson } from '../../../agent/src/oci/from-json/spec-from-json.ts';
import { eventually } from '../../support/eventually.ts';
import { defaultConfig, mount, withUserNamespace, type Edit } from '../../support/oci-bundle.ts';
import { exitOf, processesOf, textOf, useRuntime } from '../../support/oci.ts';
import { failpointAgent } from '../../support/repository.ts';
import { runtimeFacts } from '../../support/runtime-facts.ts';

const runtime = useRuntime(failpointAgent);

/** A container that asks for as much as this machine has. */
const everything: Edit = (config) => {
  config.linux.namespaces.push({ type: 'time' }, { type: 'cgroup' });
  config.linux['timeOffsets'] = { boottime: { secs: 5 } };
  config.linux.maskedPaths = ['/proc/keys'];
  config.linux.readonlyPaths = ['/proc/sys'];
  config.linux.sysctl = { 'kernel.shm_rmid_forced': '1' };
  config.linux.rootfsPropagation = 'rprivate';
  config.linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
  };
  config.linux['personality'] = { domain: 'LINUX' };
  config.hostname = 'everything';
  config.domainname = 'example.org';
  config.root.readonly = true;
  config.mounts.push(mount('/tmp', 'tmpfs', 'tmpfs', 'nosuid'));
  config.process = {
    ...config.process,
    user: { uid: 1, gid: 1, umask: 0o77 },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
    oomScoreAdj: 100,
    scheduler: { policy: 'SCHED_OTHER', nice: 1 },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 5 },
  };
  const hook = { path: '/bin/true' };
  config.hooks = { createRuntime: [hook], createContainer: [hook], startContainer: [hook] };
};
const mapped: Edit = (config) => {
  everything(config);
  withUserNamespace(config, 300_000);
};

/** The steps of a container's plan, in their order: read from the planner, so that none is forgotten. */
function stepsOf(edit: Edit): readonly string[] {
  const config = defaultConfig('c', 'sleep 100');
  edit(config);
  const { value: spec } = specFromJson(JSON.stringify(config), { bundle: '/b' });
  const { plan } = compileContainer(spec, runtimeFacts, {}, new InheritedDescriptors<string>());
  const kinds = new Set(plan.steps.map((step) => `init.${step.do}`));
  return ['spawn.child', 'init.start', ...kinds, 'init.ready'];
}

const cases = [
  ...stepsOf(everything).map((step) => ['with root of the machine', step, everything] as const),
  ...stepsOf(mapped)
    .filter((step) => !stepsOf(everything).includes(step))
    .map((step) => ['in a user namespace', step, mapped] as const),
];

describe('every step of a launch', { timeout: 60_000 }, () => {
  it('is in the list', () => {
    expect(cases.length).toBeGreaterThan(35);
  });

  it.each(cases)('%s: init is killed at %s: create fails, and nothing is left', async (_where, step, edit) => {
    const container = await runtime().prepare('sleep 100', edit);
    const args = ['create', '--bundle', container.bundle.path, container.id];
    const command = runtime().spawn(args, ['ignore', 'ignore', 'pipe'], { KIHON_FAILPOINTS: `${step}=kill` });
    const words = textOf(command.stderr);
    expect(await exitOf(command)).toBe(1);
    expect(await words).toContain('ended without saying why');
    expect(existsSync(join(runtime().stateFolder, container.id))).toBe(false);
  });

  it.each(cases)('%s: create is killed while init is at %s: delete --force cleans', async (_where, step, edit) => {
    const container = await runtime().prepare('sleep 100', edit);
    const args = ['create', '--bundle', container.bundle.path, container.id];
    const command = runtime().spawn(args, 'ignore', { KIHON_FAILPOINTS: `${step}=pause:/never` });
    await eventually(() => expect(processesOf(container)).not.toEqual([]));
    // It is on its way there, or there; both must be cleaned.
    await sleep(50);
    command.kill('SIGKILL');
    await exitOf(command);
    await runtime().succeed(['delete', '--force', container.id]);
    expect(existsSync(join(runtime().stateFolder, container.id))).toBe(false);
  });

  it('create is killed as soon as there is a process: delete --force cleans', async () => {
    const container = await runtime().prepare('sleep 100', everything);
    const args = ['create', '--bundle', container.bundle.path, container.id];
    const failpoints = 'spawn.parent=kill,spawn.child=pause:/never';
    expect(await exitOf(runtime().spawn(args, 'ignore', { KIHON_FAILPOINTS: failpoints }))).toBe(137);
    await runtime().succeed(['delete', '--force', container.id]);
    expect(existsSync(join(runtime().stateFolder, container.id))).toBe(false);
  });
});
