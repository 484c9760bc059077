import { describe, expect, it } from 'vitest';
import { checkContainerId } from '../../../agent/src/runtime/container-id.ts';
import { runtimeError } from '../../../agent/src/runtime/runtime-error.ts';
import { serviceFacts } from '../../../agent/src/runtime/service-facts.ts';
import { describeState } from '../../../agent/src/runtime/state/describe-state.ts';
import type { StoredState } from '../../../agent/src/runtime/state/stored-state.ts';
import { formatTimestamp } from '../../../agent/src/runtime/timestamp.ts';

describe('API-01: ids of containers', () => {
  it.each(['a', 'A-b_c.d+e', '0', '.x', '-x', '..x', 'a'.repeat(255)])('%s passes', (id) => {
    expect(() => checkContainerId(id)).not.toThrow();
  });

  it.each([
    '',
    '.',
    '..',
    'a/b',
    'a/../b',
    '/a',
    'a\n',
    'a\0b',
    '%n',
    'ä',
    'а',
    'e\u0301',
    'a b',
    'a:b',
    'a'.repeat(256),
  ])('%j is refused', (id) => {
    expect(() => checkContainerId(id)).toThrow('invalid container ID format');
  });
});

describe('errors that callers match on', () => {
  it('have the words of runc', () => {
    expect(runtimeError('no such container', 'c1').message).toBe('container does not exist: c1');
    expect(runtimeError('not running').message).toBe('container not running');
    expect(runtimeError('id in use').message).toBe('container with given ID already exists');
  });
});

describe('timestamps', () => {
  it.each([
    [0n, 0, '1970-01-01T00:00:00Z'],
    [1_800_000_000n, 5, '2027-01-15T08:00:00.000000005Z'],
    [1_800_000_000n, 120_000_000, '2027-01-15T08:00:00.12Z'],
  ])('%s and %i ns are %s', (sec, nsec, text) => {
    expect(formatTimestamp({ sec, nsec })).toBe(text);
  });
});

describe('the state object', () => {
  const state: StoredState = {
    id: 'c1',
    ociVersion: '1.2.1',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: 'then',
    owner: 0,
    annotations: new Map(),
    cgroup: undefined,
    hasOwnPidNamespace: true,
    hooks: { poststart: false, poststop: false },
    init: { pid: 7, startTime: 1n, namespaces: {} },
  };

  it('has the members of runc in their order', () => {
    expect(JSON.stringify(describeState(state, 'running', 'root'))).toBe(
      '{"ociVersion":"1.2.1","id":"c1","pid":7,"status":"running","bundle":"/b","rootfs":"/b/rootfs","created":"then","owner":"root"}',
    );
  });

  it('shows annotations where there are some, and no process number once it is over', () => {
    const shown = describeState({ ...state, annotations: new Map([['k', 'v']]) }, 'stopped', '');
    expect(shown).toMatchObject({ pid: 0, annotations: { k: 'v' }, status: 'stopped' });
  });
});

describe('sockets of a service manager', () => {
  const factsOf = (environment: Readonly<Record<string, string>>): ReturnType<typeof serviceFacts> =>
    serviceFacts((name) => environment[name], 10);

  it('are handed on when they are for this process', () => {
    expect(factsOf({ LISTEN_FDS: '2', LISTEN_PID: '10', LISTEN_FDNAMES: 'a:b' })).toMatchObject({
      descriptors: 2,
      env: ['LISTEN_FDS=2', 'LISTEN_PID=1', 'LISTEN_FDNAMES=a:b'],
    });
    expect(factsOf({ LISTEN_FDS: '2' }).descriptors).toBe(2);
  });

  it.each<[Record<string, string>]>([
    [{}],
    [{ LISTEN_FDS: '2', LISTEN_PID: '11' }],
    [{ LISTEN_FDS: 'x' }],
    [{ LISTEN_FDS: '-1' }],
    [{ LISTEN_FDS: '0' }],
    [{ NOTIFY_SOCKET: '@abstract' }],
    [{ NOTIFY_SOCKET: 'relative' }],
    [{ NOTIFY_SOCKET: '/run/../etc/x' }],
  ])('%j gives nothing', (environment) => {
    expect(factsOf(environment)).toEqual({ descriptors: 0, env: [], mounts: [] });
  });

  it('for readiness appears at a fixed place in the container', () => {
    const { env, mounts } = factsOf({ NOTIFY_SOCKET: '/run/systemd/notify' });
    expect(env).toEqual(['NOTIFY_SOCKET=/run/notify/notify.sock']);
    expect(mounts).toMatchObject([
      { destination: '/run/notify/notify.sock', source: '/run/systemd/notify', type: 'bind' },
    ]);
  });
});
