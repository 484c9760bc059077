import { expect, it } from 'vitest';
import { findBus, outerUid } from '../../../../../agent/src/libcontainer/cgroup/systemd/find-bus.ts';
import type { Bus } from '../../../../../agent/src/libcontainer/cgroup/systemd/find-bus.ts';

const whole = '         0          0 4294967295\n';
const rootless = '         0       1000          1\n         1     100000      65536\n';
const system = ['/run/systemd/private', '/run/dbus/system_bus_socket'];

function bus(uid: number, environment: Record<string, string> = {}, uidMap = whole, files: string[] = []): Bus {
  return findBus({ uid, environment, uidMap, exists: (path) => files.includes(path) });
}

it('root asks systemd itself, then the bus; the environment may name another', () => {
  expect(bus(0)).toEqual({ kind: 'system', sockets: system, uids: [0] });
  expect(bus(0, { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x' })).toMatchObject({ kind: 'system', sockets: system });
  expect(bus(0, { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/b' })).toMatchObject({ kind: 'system', sockets: ['/b'] });
});

it('a user asks the bus of the login', () => {
  expect(bus(1000, { XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual({
    ...{ kind: 'user', sockets: ['/run/user/1000/bus'], uids: [1000] },
  });
  const address = { DBUS_SESSION_BUS_ADDRESS: 'unix:abstract=x', XDG_RUNTIME_DIR: '/run/user/1000' };
  expect(bus(1000, address)).toMatchObject({ sockets: ['@x'] });
  expect(() => bus(1000)).toThrow('XDG_RUNTIME_DIR');
});

it('root of a user namespace asks as who it is outside', () => {
  const environment = { XDG_RUNTIME_DIR: '/run/user/1000' };
  const files = ['/run/user/1000/bus'];
  expect(bus(0, environment, rootless, files)).toMatchObject({ kind: 'user', sockets: files, uids: [1000, 0] });
  // A system of its own in there.
  expect(bus(0, environment, rootless)).toMatchObject({ kind: 'system', uids: [0] });
});

it('an address without a socket here is refused by the name of its variable', () => {
  expect(() => bus(0, { DBUS_SYSTEM_BUS_ADDRESS: 'tcp:host=x' })).toThrow('DBUS_SYSTEM_BUS_ADDRESS');
  expect(() => bus(5, { DBUS_SESSION_BUS_ADDRESS: 'unix:path=%zz' })).toThrow('DBUS_SESSION_BUS_ADDRESS');
});

it('a user id outside is found in the map', () => {
  expect(outerUid(rootless, 5)).toBe(100_004);
  expect(outerUid('', 5)).toBe(5);
});
