/** Whatever a bundle asks for: it is refused by one error of our own, or it becomes a plan that travels as JSON. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../agent/src/base/errors.ts';
import { compileContainer } from '../../../agent/src/libcontainer/plan/compile-container.ts';
import { compileExec } from '../../../agent/src/libcontainer/plan/compile-exec.ts';
import { InheritedDescriptors } from '../../../agent/src/libcontainer/plan/inherited-descriptors.ts';
import { describeStep } from '../../../agent/src/libcontainer/plan/launch-plan.ts';
import type { LaunchPlan } from '../../../agent/src/libcontainer/plan/launch-plan.ts';
import { specFromJson } from '../../../agent/src/oci/from-json/spec-from-json.ts';
import { agentRules, bundleRules } from '../../../agent/src/oci/spec-rules.ts';
import type { Spec } from '../../../agent/src/oci/spec.ts';
import { validateProcess } from '../../../agent/src/oci/validate-process.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';
import { runtimeFacts } from '../../support/runtime-facts.ts';
import { clusterConfig, minimalConfig, workstationConfig } from './from-json/fixtures.ts';
import { odd, places, replaced } from './from-json/mutated-document.ts';
import { linuxArbitrary, specArbitrary } from './from-json/spec-arbitrary.ts';
import { exactJson } from './from-json/spec-to-json.ts';

function checkPlan(plan: LaunchPlan): void {
  const text = JSON.stringify(plan);
  const received = JSON.parse(text) as LaunchPlan;
  expect(JSON.stringify(received)).toBe(text);
  for (const step of received.steps) expect(describeStep(step)).not.toBe('');
}

/** What create and exec do with a spec, short of acting. */
function plan(spec: Spec): void {
  validateSpec(spec, bundleRules);
  checkPlan(compileContainer(spec, runtimeFacts, { network: 'net' }, new InheritedDescriptors<string>()).plan);
  validateProcess(spec.process);
  const joins = { mount: 'mnt', pid: 'pid', network: 'net' };
  checkPlan(
    compileExec(
      spec.process,
      { ...runtimeFacts, container: spec.process },
      joins,
      'root',
      new InheritedDescriptors<string>(),
    ),
  );
}

/** True when a plan was made; false when it was refused. */
function isPlanned(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.message).toMatch(/^[a-zA-Z[]/);
    return false;
  }
}

/** Values that have a meaning somewhere, so that many changed configurations pass the reader and reach the planner. */
const plausible = fc.constantFrom<unknown>(
  '/',
  '/a',
  '/a/../b',
  '/proc',
  '/proc/self',
  'tmpfs',
  'rbind',
  'rro',
  'idmap',
  'ridmap',
  'tmpcopyup',
  'rshared',
  'remount',
  'size=1k',
  'user',
  'cgroup',
  'time',
  '/proc/1/ns/net',
  'SCMP_ACT_NOTIFY',
  'SCMP_CMP_MASKED_EQ',
  '0-3,7',
  'kernel.shmmax',
  'A=b',
  'CAP_SYS_ADMIN',
  'RLIMIT_NOFILE',
  0,
  1,
  -1,
  1000,
  65536,
  4294967295,
  true,
  false,
  [],
  {},
  null,
);

describe('the planner', () => {
  it('makes a plan of the configurations that engines write', () => {
    for (const config of [minimalConfig(), workstationConfig()])
      expect(isPlanned(() => plan(specFromJson(JSON.stringify(config), { bundle: '/b' }).value))).toBe(true);
  });

  it.each([
    ['minimal', minimalConfig()],
    ['cluster', clusterConfig()],
    ['workstation', workstationConfig()],
  ])('takes the %s configuration with any three places changed', (_title, config) => {
    const change = fc.tuple(fc.constantFrom(...places(config)), fc.oneof({ weight: 4, arbitrary: plausible }, odd));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const document = changes.reduce<unknown>((result, [path, by]) => {
          try {
            return replaced(result, path, by);
          } catch {
            // An earlier change took the place away.
            return result;
          }
        }, config);
        isPlanned(() => plan(specFromJson(exactJson(document), { bundle: '/b' }).value));
      }),
      { numRuns: 700 },
    );
  });

  it('takes any spec at all, and any `linux` section on a sound one', () => {
    const sound = specFromJson(JSON.stringify(minimalConfig()), { bundle: '/b' }).value;
    fc.assert(
      fc.property(specArbitrary, linuxArbitrary, (spec, linux) => {
        isPlanned(() => plan(spec));
        isPlanned(() => plan({ ...sound, linux }));
        isPlanned(() => void validateSpec(spec, agentRules));
        const parts = Object.entries(linux).map(([name, value]) => ({
          ...sound,
          linux: { ...sound.linux, [name]: value as unknown },
        }));
        for (const part of parts) isPlanned(() => plan(part));
      }),
      { numRuns: 150 },
    );
  });
});
