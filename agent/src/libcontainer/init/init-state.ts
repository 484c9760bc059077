import { DomainError } from '../../base/errors.ts';
import type { Fd } from '../../sys/fd.ts';
import { sendMessage } from '../../sys/socket.ts';
import { encodeMessage } from '../plan/handshake.ts';
import type { Need } from '../plan/handshake.ts';
import type { ResolvedUser } from '../process/resolve-user.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';
import { hearParent } from '../state/hear-parent.ts';

/** What the steps of one launch hand to each other. */
export class InitState {
  /** The parent's end is at the other side. */
  readonly sync: Fd;
  /** The guest's `/dev/pts`, opened while it could still be reached; undefined when there is none, or no terminal is wanted. */
  readonly guestDevpts: Fd | undefined;
  /** The root directory, when it had to be opened before rights were given up. */
  rootPlace: Fd | undefined;
  root: ContainerRoot | undefined;
  /** Soft limits that bind the interpreter too, set last of all. */
  softLimits: readonly { readonly resource: number; readonly soft: bigint; readonly hard: bigint }[] = [];

  /** Found in the container's own files; goes before the numbers of the plan. */
  user: ResolvedUser | undefined;

  constructor(sync: Fd, guestDevpts: Fd | undefined) {
    this.sync = sync;
    this.guestDevpts = guestDevpts;
  }

  /** Has the parent do what only it can do, and waits for it. */
  need(need: Need): void {
    sendMessage(this.sync, encodeMessage({ type: 'need', need, created: this.root?.created ?? [] }));
    this.#waitForContinue();
  }

  /** Gives the parent a descriptor and waits until it has made use of it. The launch has to expect the name (`onDescriptor`). */
  sendDescriptor(name: string, fd: Fd): void {
    sendMessage(this.sync, encodeMessage({ type: 'descriptor', name }), [fd]);
    this.#waitForContinue();
  }

  /** A line for the parent's log. */
  note(text: string): void {
    try {
      sendMessage(this.sync, encodeMessage({ type: 'note', text }));
    } catch {
      // Nobody reads any more; nothing depends on it.
    }
  }

  #waitForContinue(): void {
    const word = hearParent(this.sync);
    if (word !== 'continue') throw new DomainError('internal', `launch handshake: unexpected ${word}`);
  }
}

/** The container's root; a plan that asks for it before it exists is wrong. */
export function requireRoot(state: InitState): ContainerRoot {
  if (state.root === undefined) throw new DomainError('internal', 'the plan uses the root before it was set');
  return state.root;
}
