import { describe, expect, it } from 'vitest';
import { simplifyDeviceRules } from '../../../../agent/src/codec/bpf/device-policy.ts';
import { guestDevicePolicy, runtimeDevicePolicy } from '../../../../agent/src/libcontainer/cgroup/device-rules.ts';
import type { DevicePolicySource } from '../../../../agent/src/libcontainer/cgroup/device-rules.ts';
import type { DeviceRule, DeviceSpec } from '../../../../agent/src/oci/spec.ts';

const total = (allow: boolean): DeviceRule => ({ allow, type: 'a', major: undefined, minor: undefined, access: 'rwm' });
const fuse: DeviceRule = { allow: true, type: 'c', major: 10n, minor: 229n, access: 'rw' };
const disk: DeviceSpec = { path: '/dev/x', type: 'b', major: 254, minor: 0, fileMode: undefined, uid: 0, gid: 0 };
const READ = 2;
const WRITE = 4;

/** `type major:minor` of what may be read, and whether everything may. */
function readable(policy: DevicePolicySource, rules: readonly DeviceRule[], nodes: readonly DeviceSpec[] = []) {
  const { isDefaultAllow, rules: left } = simplifyDeviceRules(policy(rules, nodes));
  const list = left
    .filter(({ allow, access }) => allow && (access & READ) !== 0)
    .map(({ type, major, minor }) => `${type} ${major ?? '*'}:${minor ?? '*'}`);
  return { isDefaultAllow, list };
}

const common = ['c 1:3', 'c 1:5', 'c 1:7', 'c 1:8', 'c 1:9', 'c 5:0', 'c 5:2', 'c 136:*', 'c 10:200'];

describe('guestDevicePolicy()', () => {
  it.each<[string, readonly DeviceRule[], readonly DeviceSpec[], readonly string[]]>([
    ['CGN-05 no rules: the default devices', [], [], [...common, 'c 5:1']],
    ['a denial of all changes nothing', [total(false)], [], [...common, 'c 5:1']],
    ['rules of single devices', [total(false), fuse], [], [...common, 'c 5:1', 'c 10:229']],
    [
      'CGN-05 a later allowance of all is no allowance',
      [total(false), fuse, total(true)],
      [],
      [...common, 'c 5:1', 'c 10:229'],
    ],
    ['devices passed to the container', [total(false)], [disk], [...common, 'c 5:1', 'b 254:0']],
  ])('%s', (_, rules, nodes, expected) => {
    expect(readable(guestDevicePolicy, rules, nodes)).toEqual({ isDefaultAllow: false, list: expected });
  });

  it('allows everything to a container whose first rule does', () => {
    const rules = [fuse, total(true), total(false), { ...fuse, allow: false }];
    expect(readable(guestDevicePolicy, rules)).toEqual({ isDefaultAllow: true, list: [] });
  });
});

describe('runtimeDevicePolicy()', () => {
  it.each<[string, readonly DeviceRule[], boolean, readonly string[]]>([
    ['CGN-05 no rules: the default devices', [], false, common],
    ['what runc writes into its default config', [total(false)], false, common],
    ['the spec’s own devices', [total(false), fuse], false, ['c 10:229', ...common]],
    ['everything, and what that takes back', [total(true), { ...fuse, allow: false }], true, common],
    ['CGN-05 the last rule about everything wins', [total(true), total(false)], false, common],
  ])('%s', (_, rules, isDefaultAllow, expected) => {
    expect(readable(runtimeDevicePolicy, rules, [disk])).toEqual({ isDefaultAllow, list: expected });
  });

  it('needs no program where everything is allowed', () => {
    expect(simplifyDeviceRules(runtimeDevicePolicy([total(true)], []))).toEqual({ isDefaultAllow: true, rules: [] });
  });

  it('keeps access bits apart', () => {
    const [rule] = simplifyDeviceRules(runtimeDevicePolicy([{ ...fuse, access: 'w' }], [])).rules;
    expect(rule?.access).toBe(WRITE);
  });
});
