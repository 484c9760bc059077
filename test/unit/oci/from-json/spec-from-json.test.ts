import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { defaultSpecJson } from '../../../../agent/src/oci/default-spec.ts';
import { maxJsonBytes } from '../../../../agent/src/oci/from-json/read-json.ts';
import {
  processFromJson,
  resourcesFromJson,
  specFromJson,
} from '../../../../agent/src/oci/from-json/spec-from-json.ts';
import type { Spec } from '../../../../agent/src/oci/spec.ts';
import { emptyResources } from '../../../../agent/src/oci/spec.ts';
import { clusterConfig, minimalConfig, workstationConfig } from './fixtures.ts';

const facts = { bundle: '/bundles/c1' };
const read = (text: string): Spec => specFromJson(text, facts).value;
const readConfig = (config: object): Spec => read(JSON.stringify(config));

function refusal(run: () => unknown): DomainError {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('the document was accepted');
}

type Json = Record<string, unknown>;

/** The smallest configuration with one member replaced; `raw` is put into the text as it is. */
function withMember(path: string, raw: string): string {
  const config = minimalConfig();
  const names = path.split('.');
  let object = config;
  for (const name of names.slice(0, -1)) object = (object[name] ??= {}) as Json;
  object[names.at(-1) ?? ''] = 'placeholder of the test';
  return JSON.stringify(config).replace('"placeholder of the test"', () => raw);
}

describe('specFromJson()', () => {
  it('reads the default configuration', () => {
    const { value, warnings } = specFromJson(defaultSpecJson(), facts);
    expect(warnings).toEqual([]);
    expect(value.root).toEqual({ path: '/bundles/c1/rootfs', readonly: true });
    expect(value.process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 1024n, hard: 1024n }]);
    expect(value.linux.resources).toEqual({
      ...emptyResources,
      devices: [{ allow: false, type: 'a', major: undefined, minor: undefined, access: 'rwm' }],
    });
    expect(value.mounts.map(({ destination }) => destination)).toContain('/dev/mqueue');
  });

  it('gives a container without capabilities none (PRV-02)', () => {
    const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
    expect(readConfig(minimalConfig()).process.capabilities).toEqual(none);
  });

  it('reads what a cluster engine writes', () => {
    const { value, warnings } = specFromJson(JSON.stringify(clusterConfig()), facts);
    expect(warnings).toEqual([]);
    // The literal in the document is not exact in a double: 9223372036854772000 as text.
    expect(value.linux.resources.memory?.limit).toBe(9223372036854772000n);
    expect(value.linux.resources.cpu).toMatchObject({ shares: 102n, quota: 20000n, burst: undefined });
    expect(value.linux.resources.devices[2]).toMatchObject({ major: 136n, minor: undefined });
    expect(value.linux.resources.pids).toBe(-1n);
    expect(value.linux.resources.unified).toEqual(new Map([['memory.oom.group', '1']]));
    expect(value.mounts[2]).toMatchObject({ type: 'bind', source: '/bundles/c1/volume' });
    expect(value.linux.seccomp?.syscalls[1]?.args).toEqual([
      { index: 0, value: 0xffffffffn, valueTwo: 0n, op: 'SCMP_CMP_EQ' },
    ]);
    expect(value.linux.namespaces[1]).toEqual({ type: 'ipc', path: '/proc/4711/ns/ipc' });
  });

  it('reads what a workstation engine writes', () => {
    const { value, warnings } = specFromJson(JSON.stringify(workstationConfig()), facts);
    expect(warnings).toEqual([
      'windows: is for another platform; ignored',
      'mounts[2].destination: "relative" is not absolute; taken from /',
    ]);
    expect(value.process.consoleSize).toEqual({ rows: 24, columns: 80 });
    expect(value.process.user).toMatchObject({ umask: 0o22, additionalGids: [] });
    expect(value.process.oomScoreAdj).toBe(0);
    expect(value.linux.devices[0]?.fileMode).toBe(0o666);
    expect(value.linux.timeOffsets).toEqual({
      monotonic: { secs: -86400n, nanosecs: 5 },
      boottime: { secs: 100n, nanosecs: 0 },
    });
    expect(value.hooks.createRuntime).toEqual([
      { path: '/usr/libexec/hook', args: ['hook', 'create'], env: ['A=b'], timeout: 5 },
    ]);
    expect(value.hooks.prestart).toEqual([]);
    expect(value.mounts[2]?.destination).toBe('/relative');
    expect(value.linux.mountLabel).toBeUndefined();
  });

  const exact: [string, string, (spec: Spec) => unknown, unknown][] = [
    [
      'linux.resources.memory.limit',
      '9223372036854771712',
      (s) => s.linux.resources.memory?.limit,
      9223372036854771712n,
    ],
    ['linux.resources.memory.limit', '-1', (s) => s.linux.resources.memory?.limit, -1n],
    ['linux.resources.memory.limit', '0', (s) => s.linux.resources.memory?.limit, undefined],
    ['linux.resources.memory.swappiness', '0', (s) => s.linux.resources.memory?.swappiness, 0n],
    ['linux.resources.cpu.shares', '9007199254740993', (s) => s.linux.resources.cpu?.shares, 9007199254740993n],
    [
      'process.rlimits',
      '[{"type":"RLIMIT_CORE","soft":18446744073709551614,"hard":18446744073709551615}]',
      (s) => s.process.rlimits,
      [{ type: 'RLIMIT_CORE', soft: 18446744073709551614n, hard: 18446744073709551615n }],
    ],
    [
      'linux.seccomp',
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["x"],"action":"SCMP_ACT_KILL",' +
        '"args":[{"index":5,"value":18446744073709551615,"valueTwo":9223372036854775809,"op":"SCMP_CMP_MASKED_EQ"}]}]}',
      (s) => s.linux.seccomp?.syscalls[0]?.args[0],
      { index: 5, value: 18446744073709551615n, valueTwo: 9223372036854775809n, op: 'SCMP_CMP_MASKED_EQ' },
    ],
    [
      'annotations',
      '{"a":"b","__proto__":"c"}',
      (s) => [...s.annotations],
      [
        ['a', 'b'],
        ['__proto__', 'c'],
      ],
    ],
    ['process.args', '["18446744073709551615, \\": 1"]', (s) => s.process.args, ['18446744073709551615, ": 1']],
    ['root.path', '"../x/./y/"', (s) => s.root.path, '/bundles/x/y'],
    ['root.path', '"/a//b/../c"', (s) => s.root.path, '/a/c'],
    [
      'linux.netDevices',
      '{"eth0":{"name":"e"},"eth1":{}}',
      (s) => [...s.linux.netDevices],
      [
        ['eth0', 'e'],
        ['eth1', undefined],
      ],
    ],
    ['process.unknown', '{"a":[{"b":1}]}', (s) => s.process.args, ['true']],
    [
      'process.capabilities',
      '{"bounding":["CAP_CHOWN","CAP_CHOWN"]}',
      (s) => s.process.capabilities?.bounding,
      ['CAP_CHOWN'],
    ],
  ];
  it.each(exact)('reads %s as %s', (path, raw, pick, expected) => {
    expect(pick(read(withMember(path, raw)))).toEqual(expected);
  });

  it('drops capabilities nobody knows with a warning (PRV-02)', () => {
    const text = withMember('process.capabilities', '{"bounding":["CAP_CHOWN","CAP_NEW","cap_kill"]}');
    const { value, warnings } = specFromJson(text, facts);
    expect(value.process.capabilities?.bounding).toEqual(['CAP_CHOWN']);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain('"CAP_NEW"');
  });

  const refused: [string, string, string][] = [
    ['ociVersion', 'null', 'ociVersion: missing'],
    ['ociVersion', '"1.2"', 'ociVersion: "1.2" is not a semantic version'],
    ['ociVersion', '"01.2.0"', 'not a semantic version'],
    ['ociVersion', '"2.0.0"', 'ociVersion: version 2.0.0 is not supported'],
    ['process', 'null', 'process: missing'],
    ['root', 'null', 'root: missing'],
    ['root.path', '""', 'root.path: missing'],
    ['linux', 'null', 'linux: missing'],
    ['linux', '[]', 'linux: must be an object, not a list'],
    ['vm', '{"kernel":{"path":"/k"}}', 'vm: is not for this runtime'],
    ['zos', '{}', 'zos: is not for this runtime'],
    ['process.args', '[]', 'process.args: missing'],
    ['process.args', '"sh"', 'process.args: must be a list, not a string'],
    ['process.args', '["sh",1]', 'process.args[1]: must be a string, not a number'],
    ['process.args', '["a\\u0000b"]', 'process.args[0]: contains a NUL byte'],
    ['process.args', '["\\ud800"]', 'process.args[0]: contains half of a surrogate pair'],
    ['process.cwd', '""', 'process.cwd: missing'],
    ['process.Args', '["sh"]', 'process.Args: is not known; args is'],
    ['process.user.uid', '-1', 'process.user.uid: -1 is not within 0..4294967295'],
    ['process.user.uid', '4294967296', 'process.user.uid: 4294967296 is not within'],
    ['process.user.uid', '1.5', 'process.user.uid: 1.5 is not an integer'],
    ['process.user.uid', '"0"', 'process.user.uid: must be an integer, not a string'],
    ['process.user.uid', '1e400', 'process.user.uid: Infinity is not an integer'],
    ['process.user.additionalGids', '[0,-5]', 'process.user.additionalGids[1]: -5 is not within'],
    ['process.user.additionalGids', '[null]', 'process.user.additionalGids[0]: must be an integer, not null'],
    ['process.terminal', '1', 'process.terminal: must be true or false, not a number'],
    ['process.consoleSize.height', '65536', 'process.consoleSize.height: 65536 is not within'],
    [
      'process.rlimits',
      '[{"type":"RLIMIT_CPU","soft":18446744073709551616,"hard":0}]',
      'process.rlimits[0].soft: 18446744073709551616 is not within 0..18446744073709551615',
    ],
    ['process.rlimits', '[{"soft":1}]', 'process.rlimits[0].type: missing'],
    ['process.rlimits', '[1]', 'process.rlimits[0]: must be an object, not a number'],
    ['process.ioPriority', '{"class":"IOPRIO_CLASS_X"}', 'process.ioPriority.class: unknown class "IOPRIO_CLASS_X"'],
    ['mounts', '[{"type":"tmpfs"}]', 'mounts[0].destination: missing'],
    ['mounts', '[{"destination":"/a"}]', 'mounts[0].type: missing'],
    ['mounts', '[{"destination":"/a","options":["bind"]}]', 'mounts[0].source: missing'],
    [
      'mounts',
      '[{"destination":"/a","type":"tmpfs","options":[{}]}]',
      'mounts[0].options[0]: must be a string, not an object',
    ],
    ['hooks', '{"prestart":[{}]}', 'hooks.prestart[0].path: missing'],
    ['hooks', '{"preStart":[]}', 'hooks.preStart: is not known; prestart is'],
    ['annotations', '{"a":1}', 'annotations.a: must be a string, not a number'],
    [
      'linux.namespaces',
      '[{"type":"pid"},{"type":"ipc"},{"type":"foo"}]',
      'linux.namespaces[2].type: unknown namespace "foo"',
    ],
    ['linux.namespaces', '[{}]', 'linux.namespaces[0].type: missing'],
    ['linux.namespaces', '[{"type":"mnt"}]', 'linux.namespaces[0].type: unknown namespace "mnt"'],
    ['linux.uidMappings', '[{"containerID":-1}]', 'linux.uidMappings[0].containerID: -1 is not within'],
    ['linux.timeOffsets', '{"realtime":{"secs":1}}', 'linux.timeOffsets: unknown clock "realtime"'],
    ['linux.devices', '[{"path":"/dev/x","type":"x"}]', 'linux.devices[0].type: unknown device type "x"'],
    ['linux.devices', '[{"path":"/dev/x","type":"c","fileMode":4294967295}]', 'linux.devices[0].fileMode'],
    ['linux.resources.devices', '[{"access":"rwx"}]', 'linux.resources.devices[0].access'],
    ['linux.resources.devices', '[{"type":"p"}]', 'linux.resources.devices[0].type: unknown device type "p"'],
    ['linux.resources.devices', '[{"major":-2}]', 'linux.resources.devices[0].major: -2 is neither'],
    [
      'linux.resources.memory.limit',
      '9223372036854775808',
      'linux.resources.memory.limit: 9223372036854775808 is not within',
    ],
    ['linux.resources.memory.limit', '1e30', 'linux.resources.memory.limit: 1e+30 is not an integer'],
    ['linux.resources.unified', '{"a":null}', 'linux.resources.unified.a: must be a string, not null'],
    ['linux.sysctl', '{"kernel.shmmax":1}', 'linux.sysctl["kernel.shmmax"]: must be a string, not a number'],
    ['linux.seccomp', '{}', 'linux.seccomp.defaultAction: missing'],
    ['linux.seccomp', '{"defaultAction":"ALLOW"}', 'linux.seccomp.defaultAction: unknown action "ALLOW"'],
    [
      'linux.seccomp',
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_KILL","args":[{"index":6,"op":"SCMP_CMP_EQ"}]}]}',
      'linux.seccomp.syscalls[0].args[0].index: 6 is not within 0..5',
    ],
    ['linux.personality', '{"domain":"BSD"}', 'linux.personality.domain: unknown domain "BSD"'],
    ['linux.intelRdt', '{"enableCMT":true}', 'linux.intelRdt.enableCMT: not built yet'],
    ['hostname', '"\\u0000"', 'hostname: contains a NUL byte'],
    ['unknown', '"\\u0000"', 'unknown: contains a NUL byte'],
  ];
  it.each(refused)('refuses %s = %s by name', (path, raw, message) => {
    const error = refusal(() => read(withMember(path, raw)));
    expect(error.message).toContain(message);
    expect(['invalid_argument', 'unimplemented']).toContain(error.code);
  });

  it('refuses a key given twice, wherever it is', () => {
    const twice = (before: string, after: string): string =>
      refusal(() => read(JSON.stringify(minimalConfig()).replace(before, () => after))).message;
    expect(twice('"cwd":"/"', '"cwd":"/","cwd":"/x"')).toMatch(
      /^process\.cwd: line 1, column \d+: the key "cwd" is given twice$/,
    );
    expect(twice('"cwd":"/"', '"cwd":"/","x":{"y":[{"z":1,"z":2}]}')).toContain('process.x.y[0].z');
    // A string that looks like a key must not make up for the one that was dropped.
    expect(twice('"args":["true"]', '"args":["true"],"cwd" :"/x"')).toContain('process.cwd');
    expect(twice('"args":["true"]', '"args":[":","\\":"],"cwd" :"/x"')).toContain('process.cwd');
  });

  it.each([
    ['an empty file', ''],
    ['no object', 'null'],
    ['a list', '[]'],
    ['a cut document', JSON.stringify(clusterConfig()).slice(0, 500)],
    ['text behind it', `${JSON.stringify(minimalConfig())}}`],
    ['bytes that are no UTF-8', JSON.stringify(minimalConfig()).replace('true', 'a\udcff')],
    ['a document too large', ' '.repeat(maxJsonBytes + 1)],
    ['unknown lists nested deeply', withMember('x', `${'['.repeat(5000)}${']'.repeat(5000)}`)],
    [
      '2001 annotations',
      withMember(
        'annotations',
        JSON.stringify(Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`k${i}`, '']))),
      ),
    ],
  ])('refuses %s with one error', (_title, text) => {
    expect(refusal(() => read(text)).code).toBe('invalid_argument');
  });

  it('refuses 100,000 mounts before it looks at the first', () => {
    const mounts = Array.from({ length: 100_000 }, () => 0);
    expect(refusal(() => readConfig({ ...minimalConfig(), mounts })).message).toBe(
      'mounts: 100000 entries, at most 10000 are accepted',
    );
  });
});

describe('processFromJson()', () => {
  it('leaves open what an exec takes from its container', () => {
    const { value } = processFromJson('{"args":["ls"],"cwd":"/"}');
    expect(value.capabilities).toBeUndefined();
    expect(value.oomScoreAdj).toBeUndefined();
  });

  it('names paths from the process on', () => {
    expect(refusal(() => processFromJson('{"cwd":"/","args":[1]}')).message).toBe(
      'args[0]: must be a string, not a number',
    );
    expect(refusal(() => processFromJson('[]')).message).toBe('process.json: must be an object, not a list');
  });
});

describe('resourcesFromJson()', () => {
  it('reads an update, with what it leaves out left out', () => {
    const { value, warnings } = resourcesFromJson(
      '{"memory":{"limit":-1,"kernel":1},"cpu":{"burst":0},"rdma":{"m":{"hcaHandles":3}}}',
    );
    expect(value.memory).toMatchObject({ limit: -1n, swap: undefined });
    expect(value.cpu).toMatchObject({ burst: 0n, quota: undefined });
    expect(value.rdma).toEqual(new Map([['m', { hcaHandles: 3, hcaObjects: undefined }]]));
    expect(value.pids).toBeUndefined();
    expect(warnings).toEqual(['memory.kernel: kernel memory has no limit of its own']);
  });
});
