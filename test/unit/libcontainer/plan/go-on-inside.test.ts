import { describe, expect, it } from 'vitest';
import { compileExec, goesOnInside } from '../../../../agent/src/libcontainer/plan/compile-exec.ts';
import type { ExecFacts } from '../../../../agent/src/libcontainer/plan/compile-exec.ts';
import { InheritedDescriptors } from '../../../../agent/src/libcontainer/plan/inherited-descriptors.ts';
import type { SeccompFilter } from '../../../../agent/src/libcontainer/plan/seccomp-filter.ts';
import { mayTrace } from '../../../../agent/src/oci/may-trace.ts';
import type { ProcessSpec, SchedulerSpec } from '../../../../agent/src/oci/spec.ts';
import { sampleSpec } from '../../oci/sample-spec.ts';

const process: ProcessSpec = { ...sampleSpec({}).process, noNewPrivileges: false };
const joins = { mount: 'M', pid: 'P' };
const filter: SeccompFilter = { words: [], flags: 0, hasListener: false };
const facts: ExecFacts = {
  container: process,
  defaultNofile: undefined,
  defaultOomScoreAdj: undefined,
  setsGroups: true,
  isPrivileged: true,
  keepsKeyring: false,
  isWatched: true,
};
const scheduler = (policy: string, ...flags: string[]): SchedulerSpec => ({
  policy,
  flags,
  nice: 0,
  priority: 0,
  runtime: 0n,
  deadline: 0n,
  period: 0n,
});

describe('EXE-05: an exec where somebody may trace', () => {
  const kindsOf = (given: ProcessSpec, more: Partial<ExecFacts> = {}) => {
    const descriptors = new InheritedDescriptors<string>();
    const plan = compileExec(given, { ...facts, ...more }, joins, 'R', descriptors);
    const kinds = plan.steps.map((step) => step.do);
    return { plan, descriptors, kinds, last: kinds.slice(kinds.indexOf('capabilities')) };
  };

  it('goes into the pid namespace when all rights are given up, without the descriptors of namespaces', () => {
    const { plan, descriptors, kinds, last } = kindsOf(process);
    expect(descriptors.sources).toEqual(['M', 'P', 'R']);
    expect(kinds.filter((kind) => kind === 'join-namespace')).toHaveLength(2);
    expect(last).toEqual(['capabilities', 'go-on-inside', 'session']);
    expect(plan.steps.find((step) => step.do === 'go-on-inside')).toEqual({ do: 'go-on-inside', closes: [5, 6] });
  });

  it('has a filter that takes rights on before that, and gives the rights up', () => {
    const { plan, last } = kindsOf(process, { seccomp: filter });
    expect(last).toEqual(['capabilities', 'seccomp', 'drop-capabilities', 'go-on-inside', 'session']);
    expect(plan.lateSteps).toEqual([]);
    const strict = kindsOf({ ...process, noNewPrivileges: true }, { seccomp: filter });
    expect(strict.last).toEqual(['capabilities', 'go-on-inside', 'session']);
    expect(strict.plan.lateSteps.map((step) => step.do)).toEqual(['seccomp']);
    const heard = kindsOf({ ...process, noNewPrivileges: true }, { seccomp: { ...filter, hasListener: true } });
    expect(heard.last).toEqual(['capabilities', 'go-on-inside', 'session', 'seccomp']);
  });

  it.each<[string, boolean, ProcessSpec, Partial<ExecFacts>, Record<string, string>]>([
    ['nobody watches', false, process, { isWatched: false }, joins],
    ['the pid namespace is shared with the caller', false, process, {}, { mount: 'M' }],
    ['there is a user namespace', false, process, {}, { ...joins, user: 'U' }],
    ['its policy is inherited', true, { ...process, scheduler: scheduler('SCHED_FIFO') }, {}, joins],
    ['its policy is for itself', false, { ...process, scheduler: scheduler('SCHED_DEADLINE') }, {}, joins],
    [
      'its policy ends with it',
      false,
      { ...process, scheduler: scheduler('SCHED_FIFO', 'SCHED_FLAG_RESET_ON_FORK') },
      {},
      joins,
    ],
    ['a listener takes rights', false, process, { seccomp: { ...filter, hasListener: true } }, joins],
  ])('%s: %s', (_, expected, given, more, namespaces) => {
    expect(goesOnInside(given, { ...facts, ...more }, namespaces)).toBe(expected);
  });

  it('knows who may trace', () => {
    const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
    expect(mayTrace(undefined)).toBe(false);
    expect(mayTrace({ ...none, bounding: ['CAP_KILL'] })).toBe(false);
    for (const set of Object.keys(none)) expect(mayTrace({ ...none, [set]: ['CAP_SYS_PTRACE'] }), set).toBe(true);
  });
});
