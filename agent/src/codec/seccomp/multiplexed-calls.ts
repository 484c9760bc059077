/**
 * Calls that 32-bit x86 also offers through one number each: the first argument says which (linux/net.h, linux/ipc.h), the others
 * lie in memory, where a filter cannot look.
 */

export interface Multiplexer {
  /** The call that takes all others. */
  readonly name: string;
  /** Bits of the first argument that choose: ipc(2) has a version above them. */
  readonly mask: number;
  readonly calls: Readonly<Record<string, number>>;
}

function numbered(first: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name, index) => [name, first + index]));
}

export const multiplexers: readonly Multiplexer[] = [
  {
    name: 'socketcall',
    mask: 0xffffffff,
    calls: numbered(
      1,
      'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown ' +
        'setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg',
    ),
  },
  {
    name: 'ipc',
    mask: 0xffff,
    calls: {
      ...numbered(1, 'semop semget semctl semtimedop'),
      ...numbered(11, 'msgsnd msgrcv msgget msgctl'),
      ...numbered(21, 'shmat shmdt shmget shmctl'),
    },
  },
];
