/** Kernel keyrings (keyrings(7)). */
import { KEYCTL_JOIN_SESSION_KEYRING } from '../abi/constants.ts';
import { ENOSYS } from '../abi/errno.ts';
import { SYS_keyctl } from '../abi/syscalls.ts';
import { sysError, trySyscall } from './syscall.ts';

/** Gives this process a new session keyring without a name. A kernel without keyrings has nothing to share, which is fine. */
export function joinNewSessionKeyring(): void {
  const result = trySyscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, null, 0, 0, 0);
  if (result < 0 && result !== -ENOSYS) throw sysError('keyctl', result, 'KEYCTL_JOIN_SESSION_KEYRING');
}
