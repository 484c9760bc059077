import { describe, expect, it } from 'vitest';
import { applyCdiEdits } from '../../../../agent/src/oci/cdi/apply-edits.ts';
import { parseCdiSpec } from '../../../../agent/src/oci/cdi/cdi-spec.ts';
import { cdiDevices } from '../../../../agent/src/oci/cdi/device-name.ts';
import { sampleSpec } from '../sample-spec.ts';

const names = (annotations: Record<string, string>, env?: readonly string[]): string[] =>
  cdiDevices(new Map(Object.entries(annotations)), env).map(({ kind, name }) => `${kind}=${name}`);

describe('cdiDevices()', () => {
  it('takes the devices of every annotation, each once', () => {
    const annotations = { 'cdi.k8s.io/a': 'v.com/gpu=0,v.com/gpu=1', 'cdi.k8s.io/b': 'v.com/gpu=0', other: 'x=y' };
    expect(names(annotations)).toEqual(['v.com/gpu=0', 'v.com/gpu=1']);
  });

  it('takes those of the environment when it is told to', () => {
    const env = ['VISIBLE_CDI_DEVICES=v.com/gpu=0,1:v.com/nic=all'];
    expect(names({}, env)).toEqual(['v.com/gpu=0', 'v.com/gpu=1', 'v.com/nic=all']);
    expect(names({}, undefined)).toEqual([]);
    for (const nothing of ['', 'none', 'void']) expect(names({}, [`VISIBLE_CDI_DEVICES=${nothing}`])).toEqual([]);
  });

  it.each(['gpu=0', 'v.com/gpu', 'v.com/gpu=', 'v.com/gpu=0,', '/gpu=0', 'v.com/g/u=0', 'v.com/gpu=-a'])(
    'refuses %j in an annotation',
    (value) => {
      expect(() => names({ 'cdi.k8s.io/a': value })).toThrow('cdi.k8s.io/a');
    },
  );

  it.each(['v.com/gpu', 'v.com/gpu=', 'v.com/gpu=all,0', 'v.com/gpu=x', 'v.com/gpu=0:', '0'])(
    'refuses %j in the environment',
    (value) => {
      expect(() => names({}, [`VISIBLE_CDI_DEVICES=${value}`])).toThrow('VISIBLE_CDI_DEVICES');
    },
  );
});

const document = (edits: unknown, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ cdiVersion: '0.6.0', kind: 'v.com/gpu', devices: [{ name: '0', containerEdits: edits }], ...more });
const editsOf = (edits: unknown) => {
  const parsed = parseCdiSpec(document(edits), '/var/run/cdi/x.json').devices.get('0');
  if (parsed === undefined) throw new Error('no device');
  return parsed;
};

describe('parseCdiSpec()', () => {
  it('reads YAML and JSON alike', () => {
    const yaml = 'cdiVersion: 0.6.0\nkind: v.com/gpu\ndevices:\n- name: "0"\n  containerEdits:\n    env: [A=1]\n';
    expect(parseCdiSpec(yaml, 'x.yaml')).toEqual(parseCdiSpec(document({ env: ['A=1'] }), 'x.json'));
  });

  it.each<readonly [string, string, string]>([
    ['no version', '{"kind":"v.com/gpu"}', 'cdiVersion: missing'],
    ['a version of the future', '{"cdiVersion":"2.0.0","kind":"v.com/gpu"}', 'cdiVersion'],
    ['a kind that is none', '{"cdiVersion":"0.6.0","kind":"gpu"}', 'kind'],
    ['a name given twice', document({}, { devices: [{ name: 'a' }, { name: 'a' }] }), 'devices[1].name'],
    ['a name that is a number', document({}, { devices: [{ name: 0 }] }), 'devices[0].name'],
    ['a variable without value', document({ env: ['A'] }), 'devices[0].containerEdits.env[0]'],
    ['a node without path', document({ deviceNodes: [{}] }), 'deviceNodes[0].path: missing'],
    ['a node of a wrong type', document({ deviceNodes: [{ path: '/dev/a', type: 'x' }] }), 'deviceNodes[0].type'],
    ['wrong permissions', document({ deviceNodes: [{ path: '/dev/a', permissions: 'rx' }] }), 'permissions'],
    ['a mount without source', document({ mounts: [{ containerPath: '/a' }] }), 'mounts[0].hostPath: missing'],
    ['a hook without point', document({ hooks: [{ path: '/a' }] }), 'hooks[0].hookName: missing'],
    ['a hook at no point', document({ hooks: [{ path: '/a', hookName: 'later' }] }), 'hooks[0].hookName'],
    ['monitoring', document({ intelRdt: { enableCMT: true } }), 'intelRdt.enableCMT'],
    ['interfaces', document({ netDevices: [] }), 'netDevices'],
    ['another spelling', document({ devicenodes: [] }), 'deviceNodes is'],
    ['half a document', '{"cdiVersion":', 'x.json'],
  ])('refuses %s and names file and place', (_, text, words) => {
    expect(() => parseCdiSpec(text, '/var/run/cdi/x.json')).toThrow('/var/run/cdi/x.json');
    const message = (error: unknown): string =>
      error instanceof Error ? `${error.message} ${message(error.cause)}` : '';
    let said = '';
    try {
      parseCdiSpec(text, '/var/run/cdi/x.json');
    } catch (error) {
      said = message(error);
    }
    expect(said).toContain(words);
  });
});

describe('applyCdiEdits()', () => {
  const guest = (path: string) => (path === '/dev/accel' ? ({ type: 'c', major: 241, minor: 7 } as const) : undefined);
  const apply = (edits: unknown, spec = sampleSpec()) => applyCdiEdits(spec, editsOf(edits), guest);

  it('adds a device with the numbers of the guest and the right to use it', () => {
    const { linux } = apply({ deviceNodes: [{ path: '/dev/gpu0', hostPath: '/dev/accel', permissions: 'rw' }] });
    expect(linux.devices.at(-1)).toMatchObject({ path: '/dev/gpu0', type: 'c', major: 241, minor: 7 });
    expect(linux.resources.devices.at(-1)).toEqual({ allow: true, type: 'c', major: 241n, minor: 7n, access: 'rw' });
  });

  it('takes numbers that are given, and gives a pipe no rule', () => {
    const nodes = [
      { path: '/dev/x', type: 'c', major: 1, minor: 3, fileMode: 438, uid: 5, gid: 6 },
      { path: '/dev/pipe', type: 'p' },
    ];
    const before = sampleSpec().linux.resources.devices.length;
    const { linux } = apply({ deviceNodes: nodes });
    expect(linux.devices.slice(-2)).toMatchObject([
      { path: '/dev/x', major: 1, minor: 3, fileMode: 0o666, uid: 5, gid: 6 },
      { path: '/dev/pipe', type: 'p' },
    ]);
    expect(linux.resources.devices).toHaveLength(before + 1);
  });

  it.each([
    [{ path: '/dev/none' }, '/dev/none: no such device'],
    [{ path: '/dev/accel', type: 'b' }, 'is of type c'],
  ])('refuses a device that the guest does not have', (node, words) => {
    expect(() => apply({ deviceNodes: [node] })).toThrow(words);
  });

  it('replaces variables, devices and mounts of the same name, and puts parents first', () => {
    const spec = sampleSpec();
    const edited = apply(
      {
        env: ['PATH=/cdi', 'NEW=1=2'],
        mounts: [
          { hostPath: '/opt/b', containerPath: '/usr/lib/deep/b' },
          { hostPath: '/opt/a', containerPath: '/a', options: ['ro', 'bind'] },
          { hostPath: 'tmpfs', containerPath: '/t', type: 'tmpfs', options: ['size=1m'] },
        ],
      },
      { ...spec, process: { ...spec.process, env: ['PATH=/bin', 'HOME=/'] } },
    );
    expect(edited.process.env).toEqual(['PATH=/cdi', 'HOME=/', 'NEW=1=2']);
    const added = edited.mounts.filter(({ source }) => ['/opt/a', '/opt/b', 'tmpfs'].includes(source));
    expect(added.find(({ destination }) => destination === '/usr/lib/deep/b')).toMatchObject({
      type: 'bind',
      options: ['rbind'],
    });
    expect(added.find(({ destination }) => destination === '/a')).toMatchObject({ options: ['ro', 'bind'] });
    expect(edited.mounts.at(-1)?.destination).toBe('/usr/lib/deep/b');
  });

  it('adds hooks, groups and a class of the cache', () => {
    const edited = apply({
      hooks: [{ hookName: 'createContainer', path: '/bin/hook', args: ['hook', 'a'], timeout: 3 }],
      additionalGids: [0, 44, 44],
      intelRdt: { closID: 'gold', l3CacheSchema: 'L3:0=f' },
    });
    expect(edited.hooks.createContainer).toEqual([{ path: '/bin/hook', args: ['hook', 'a'], env: [], timeout: 3 }]);
    expect(edited.process.user.additionalGids.filter((gid) => gid === 44)).toHaveLength(1);
    expect(edited.linux.intelRdt).toMatchObject({ closId: 'gold', l3CacheSchema: 'L3:0=f' });
  });
});
