import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { namespaceTypes } from '../../../../agent/src/oci/spec.ts';
import { decodeState, encodeState, type StoredState } from '../../../../agent/src/runtime/state/stored-state.ts';

const path = fc
  .array(fc.string({ minLength: 1 }).filter((name) => name !== '..' && !/[/\0]/.test(name)))
  .map((names) => `/${names.join('/')}`);
const text = fc.string().filter((value) => !value.includes('\0'));
const inode = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });

const anyState: fc.Arbitrary<StoredState> = fc.record({
  id: text,
  ociVersion: text,
  bundle: path,
  rootfs: path,
  created: text,
  owner: fc.nat(),
  annotations: fc.array(fc.tuple(fc.string(), fc.string())).map((entries) => new Map(entries)),
  cgroup: fc.option(
    fc.record(
      {
        root: path,
        path: path.filter((value) => value !== '/'),
        unit: fc.record({
          name: fc.constantFrom('kihon-c1.scope', 'a@b.scope'),
          socket: fc.constantFrom('/run/systemd/private', '@bus'),
        }),
      },
      { requiredKeys: ['root', 'path'] },
    ),
    { nil: undefined },
  ),
  hasOwnPidNamespace: fc.boolean(),
  hooks: fc.record({ poststart: fc.boolean(), poststop: fc.boolean() }),
  init: fc.option(
    fc.record({
      pid: fc.integer({ min: 1, max: 4_194_304 }),
      startTime: inode,
      namespaces: fc.dictionary(fc.constantFrom(...namespaceTypes), inode),
    }),
    { nil: undefined },
  ),
});

const sample: StoredState = {
  id: 'c1',
  ociVersion: '1.2.1',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05Z',
  owner: 0,
  annotations: new Map([['a', 'b']]),
  cgroup: { root: '/sys/fs/cgroup', path: '/c1' },
  hasOwnPidNamespace: true,
  hooks: { poststart: false, poststop: true },
  init: { pid: 42, startTime: 123456n, namespaces: { pid: 4026531836n, mount: 4026531840n } },
};

describe('the stored state', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        // A JSON object has no member of that name of its own.
        fc.pre(!state.annotations.has('__proto__'));
        const { init, ...rest } = decodeState(encodeState(state));
        const { init: before, ...expected } = state;
        expect(rest).toEqual(expected);
        expect(init?.pid).toBe(before?.pid);
        expect(init?.startTime).toBe(before?.startTime);
        expect({ ...init?.namespaces }).toEqual({ ...before?.namespaces });
      }),
    );
  });

  it('that is cut off anywhere is refused', () => {
    const whole = encodeState(sample);
    for (let length = 0; length < whole.length; length++)
      expect(() => decodeState(whole.slice(0, length))).toThrow(DomainError);
  });

  it.each<[string, unknown]>([
    ['version', 2],
    ['version', '1'],
    ['id', 5],
    ['id', 'a\0b'],
    ['bundle', 'relative'],
    ['rootfs', '/a/../../etc'],
    ['owner', -1],
    ['owner', 1.5],
    ['annotations', []],
    ['annotations', { a: 1 }],
    ['cgroup', null],
    ['cgroup', { root: '/sys/fs/cgroup', path: '/' }],
    ['cgroup', { root: '/sys/fs/cgroup', path: '/../../etc' }],
    ['cgroup', { root: '/sys/fs/cgroup' }],
    ['cgroup', { root: '/sys/fs/cgroup', path: '/a', unit: { name: '../x', socket: '/run/systemd/private' } }],
    ['cgroup', { root: '/sys/fs/cgroup', path: '/a', unit: { name: 'x.scope', socket: 'relative' } }],
    ['cgroup', { root: '/sys/fs/cgroup', path: '/a', unit: null }],
    ['hasOwnPidNamespace', 'yes'],
    ['hooks', { poststart: true }],
    ['hooks', 7],
    ['init', null],
    ['init', {}],
    ['init', { pid: 0, startTime: '1', namespaces: {} }],
    ['init', { pid: 1, startTime: 1, namespaces: {} }],
    ['init', { pid: 1, startTime: '-1', namespaces: {} }],
    ['init', { pid: 1, startTime: '1', namespaces: { pid: 'x' } }],
    ['init', { pid: 1, startTime: '1' }],
  ])('with the wrong %s %j is refused by name', (field, value) => {
    const damaged = { ...(JSON.parse(encodeState(sample)) as object), [field]: value };
    expect(() => decodeState(JSON.stringify(damaged))).toThrow(/^state\.json: /);
  });

  it('of any other JSON is refused, and never by another error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string()), (value) => {
        const json = typeof value === 'string' ? value : JSON.stringify(value);
        expect(() => decodeState(json)).toThrow(DomainError);
      }),
    );
  });
});
