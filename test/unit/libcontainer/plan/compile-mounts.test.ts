import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOUNT_ATTR_RDONLY } from '../../../../agent/src/abi/constants.ts';
import { compileMounts } from '../../../../agent/src/libcontainer/plan/compile-mounts.ts';
import type { MountContext } from '../../../../agent/src/libcontainer/plan/compile-mounts.ts';
import type { MountStep } from '../../../../agent/src/libcontainer/plan/launch-plan.ts';
import type { MountSpec } from '../../../../agent/src/oci/spec.ts';

const destination = fc.array(fc.constantFrom('a', 'b', 'a-', 'a0'), { minLength: 1, maxLength: 4 });

describe('compileMounts()', () => {
  it('puts `ro` off exactly where a later mount lies below', () => {
    fc.assert(
      fc.property(fc.array(destination, { maxLength: 12 }), (list) => {
        const paths = list.map((names) => `/${names.join('/')}`);
        const mounts = paths.map((path) => ({
          destination: path,
          type: 'tmpfs',
          source: '',
          options: ['ro'],
          uidMappings: [],
          gidMappings: [],
        }));
        const { steps, deferred } = compileMounts(mounts);
        const isPutOff = paths.map((path, index) =>
          paths.slice(index + 1).some((later) => later.startsWith(`${path}/`)),
        );
        const isWritable = steps.map((step) => step.do === 'mount' && (step.attributes.set & MOUNT_ATTR_RDONLY) === 0);
        expect(isWritable).toEqual(isPutOff);
        const expected = paths.filter((_, index) => isPutOff[index]).reverse();
        expect(deferred).toEqual(expected.map((path) => ({ do: 'readonly-mount', path })));
      }),
      { numRuns: 500 },
    );
  });

  const spec = (more: Partial<MountSpec>): MountSpec => ({
    destination: '/x',
    type: 'bind',
    source: '/s',
    options: [],
    uidMappings: [],
    gidMappings: [],
    ...more,
  });
  const context = (more: Partial<MountContext> = {}): MountContext => ({
    userNamespace: undefined,
    hasCgroupNamespace: true,
    cgroupDirectory: '/sys/fs/cgroup/c1',
    opened: new Map(),
    ...more,
  });
  const compile = (mount: MountSpec, more?: Partial<MountContext>): MountStep => {
    const [step] = compileMounts([mount], context(more)).steps;
    if (step?.do !== 'mount') throw new Error('no mount');
    return step;
  };
  const map = [{ containerId: 0, hostId: 1000, size: 10 }];

  describe('PRV-11: an id-mapped mount', () => {
    it.each<[string, Partial<MountSpec>, Partial<MountContext>]>([
      ['of a new file system', { type: 'tmpfs', options: ['idmap'] }, {}],
      ['of a new file system with maps', { type: 'tmpfs', uidMappings: map, gidMappings: map }, {}],
      ['without maps and without a user namespace', { options: ['rbind', 'ridmap'] }, {}],
      ['with a map of users alone', { options: ['idmap'], uidMappings: map }, {}],
      ['with a map of groups alone', { gidMappings: map }, { userNamespace: 'joined' }],
    ])('%s is refused', (_, mount, more) => {
      expect(() => compile(spec(mount), more)).toThrow(/mounts\[0\]/);
    });

    it('takes the tree that the parent opened, whatever else can be reached', () => {
      const step = compile(spec({ options: ['bind'], uidMappings: map, gidMappings: map }), {
        opened: new Map([[0, 9]]),
      });
      expect(step.origin).toEqual({
        kind: 'bind',
        path: '/s',
        isRecursive: false,
        opened: { descriptor: 9, isMapped: true },
      });
      const own = compile(spec({ options: ['rbind', 'idmap'] }), {
        userNamespace: 'joined',
        opened: new Map([[0, 9]]),
      });
      expect(own.origin).toMatchObject({ isRecursive: true, opened: { isMapped: true } });
      expect(() => compile(spec({ uidMappings: map, gidMappings: map }))).toThrow('rights over the file system');
    });
  });

  describe('CGN-01: a cgroup mount', () => {
    const cgroup = (...options: string[]): MountSpec => spec({ type: 'cgroup', source: 'cgroup', options });

    it('is the namespaced view where there is one', () => {
      const step = compile(cgroup('ro', 'nosuid'));
      expect(step.origin).toEqual({ kind: 'filesystem', type: 'cgroup2', source: 'cgroup', parameters: [] });
      expect(compile(cgroup(), { userNamespace: 'joined' }).origin).toMatchObject({
        fallback: { path: '/sys/fs/cgroup/c1' },
      });
    });

    it('has no parameters, since they would be those of the whole hierarchy', () => {
      expect(() => compile(cgroup('nsdelegate'))).toThrow('mounts[0].options');
      expect(() => compile(cgroup('name=systemd'), { hasCgroupNamespace: false })).toThrow('name');
    });

    it('else the own group, read-only unless it is asked for', () => {
      const without = { hasCgroupNamespace: false };
      expect(compile(cgroup(), without).origin).toEqual({
        kind: 'bind',
        path: '/sys/fs/cgroup/c1',
        isRecursive: false,
      });
      expect(compile(cgroup(), without).attributes.set).toBe(MOUNT_ATTR_RDONLY);
      expect(compile(cgroup('rw'), without).attributes.set).toBe(0);
      expect(() => compile(cgroup(), { hasCgroupNamespace: false, cgroupDirectory: undefined })).toThrow('cgroup v2');
    });
  });

  it('leaves out a group of devpts that the container does not have', () => {
    const devpts = spec({ type: 'devpts', options: ['mode=0620', 'gid=5'] });
    const parameters = (more: Partial<MountContext>): unknown => {
      const { origin } = compile(devpts, more);
      return origin.kind === 'filesystem' ? origin.parameters.map(([name]) => name) : origin;
    };
    expect(parameters({})).toEqual(['mode', 'gid']);
    expect(parameters({ userNamespace: { gidMappings: map } })).toEqual(['mode', 'gid']);
    expect(parameters({ userNamespace: { gidMappings: [{ containerId: 0, hostId: 7, size: 1 }] } })).toEqual(['mode']);
  });

  it('knows a remount, a missing type, and where tmpcopyup belongs', () => {
    expect(compile(spec({ type: 'none', options: ['remount', 'bind', 'ro'] })).origin).toEqual({ kind: 'remount' });
    expect(() => compile(spec({ type: '' }))).toThrow('mounts[0].type');
    expect(compile(spec({ type: '', options: ['bind'] })).origin).toMatchObject({ kind: 'bind' });
    expect(compile(spec({ type: 'tmpfs', options: ['tmpcopyup'] })).origin).toMatchObject({ copiesUp: true });
    expect(() => compile(spec({ type: 'proc', options: ['tmpcopyup'] }))).toThrow('tmpfs only');
  });
});
