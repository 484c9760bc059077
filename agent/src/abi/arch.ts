/** The architecture this bundle is for; the build replaces the path of the generated record. */
import { SYS_epoll_pwait } from './syscalls.ts';
import { epollEventLayouts } from './layouts.ts';

/** `epoll_pwait` has number 281 on x86_64 and 22 in the generic table that aarch64 uses. */
export const archName: 'x86_64' | 'aarch64' = (SYS_epoll_pwait as number) === 281 ? 'x86_64' : 'aarch64';

/** Layout of `epoll_event` here. */
export const epollEvent = epollEventLayouts[archName];
