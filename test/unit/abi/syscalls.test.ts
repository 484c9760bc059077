import { expect, it } from 'vitest';
import { epollEvent, archName } from '../../../agent/src/abi/arch.ts';
import * as constants from '../../../agent/src/abi/constants.ts';
import * as nr from '../../../agent/src/abi/syscalls.ts';

it('the tables of the build are those of x86_64', () => {
  expect(archName).toBe('x86_64');
  expect(epollEvent.sizeof).toBe(12);
  expect(nr.SYS_read).toBe(0);
  expect(nr.SYS_execve).toBe(59);
});

it('calls newer than 5.1 have the number they have everywhere', () => {
  expect([nr.SYS_open_tree, nr.SYS_move_mount, nr.SYS_fsopen, nr.SYS_fsmount]).toEqual([428, 429, 430, 432]);
  expect([nr.SYS_pidfd_open, nr.SYS_clone3, nr.SYS_openat2, nr.SYS_mount_setattr]).toEqual([434, 435, 437, 442]);
});

// Numbers that no header on the build machine may change; a wrong regular expression in the generator would lose some.
it.each(
  Object.entries({
    AT_FDCWD: -100,
    AT_EMPTY_PATH: 0x1000,
    AT_RECURSIVE: 0x8000,
    CLONE_INTO_CGROUP: 0x200000000,
    CLONE_NEWNS: 0x20000,
    CLONE_PIDFD: 0x1000,
    MS_NOSUID: 2,
    MS_REC: 16384,
    MNT_DETACH: 2,
    MOUNT_ATTR_RDONLY: 1,
    O_CLOEXEC: 0o2000000,
    OPEN_TREE_CLONE: 1,
    RESOLVE_IN_ROOT: 0x10,
    SIGCHLD: 17,
    SIGKILL: 9,
    TIOCGPTPEER: 0x5441,
    VMADDR_CID_HOST: 2,
  }),
)('%s is %i', (name, value) => {
  expect((constants as Readonly<Record<string, unknown>>)[name]).toBe(value);
});
