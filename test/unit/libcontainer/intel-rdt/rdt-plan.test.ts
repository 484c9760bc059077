import { describe, expect, it } from 'vitest';
import { planRdt } from '../../../../agent/src/libcontainer/intel-rdt/rdt-plan.ts';

const none = { closId: undefined, l3CacheSchema: undefined, memBwSchema: undefined };

describe('planRdt()', () => {
  it.each([
    ['nothing', none, { group: 'c1', mustExist: false, isOwn: true, schemata: [] }],
    ['a group', { ...none, closId: 'g' }, { group: 'g', mustExist: true, isOwn: false, schemata: [] }],
    [
      'a group with schemata',
      { closId: 'g', l3CacheSchema: 'L3:0=f\nMB:0=10', memBwSchema: 'MB:0=20' },
      { group: 'g', mustExist: false, isOwn: false, schemata: ['L3:0=f', 'MB:0=20'] },
    ],
    [
      'a cache schema alone',
      { ...none, l3CacheSchema: 'L3:0=f\nMB:0=10\n' },
      { group: 'c1', mustExist: false, isOwn: true, schemata: ['L3:0=f', 'MB:0=10'] },
    ],
  ])('%s', (_name, spec, plan) => {
    expect(planRdt(spec, 'c1')).toEqual(plan);
  });

  it.each(['', '.', '..', '../x', 'a/b', '/a', 'info', 'mon_groups', 'a\nb'])('refuses the group name %j', (closId) => {
    expect(() => planRdt({ ...none, closId }, 'c1')).toThrow('linux.intelRdt.closID');
  });
});
