import { AbortController } from '../../base/abort.ts';
import type { AbortSignal } from '../../base/abort.ts';
import { assertNever } from '../../base/assert-never.ts';
import { DomainError } from '../../base/errors.ts';
import type { Fd } from '../../sys/fd.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { readiness } from '../../sys/readiness.ts';
import { sendMessage } from '../../sys/socket.ts';
import { encodeMessage } from '../plan/handshake.ts';
import type { Need } from '../plan/handshake.ts';
import { LaunchError } from '../plan/launch-failure.ts';
import { LaunchSequence } from '../plan/launch-sequence.ts';
import type { LaunchExpectations } from '../plan/launch-sequence.ts';
import { receivePacket } from './receive-packet.ts';

/** What the parent does as the new process gets on. Whoever is given a descriptor owns it. */
export interface LaunchListener {
  /** The first stage made the process. */
  readonly onSpawned: (pidfd: Fd) => void;
  readonly onTerminal: (master: Fd) => void;
  readonly onNeed: (need: Need, signal: AbortSignal) => void | Promise<void>;
  readonly onDescriptor: (name: string, fd: Fd) => Promise<void>;
  readonly onNote: (text: string) => void;
  /** Told what the child created on the root's file system, also when it fails. */
  readonly onCreated: (paths: readonly string[]) => void;
}

export interface ConversationOptions {
  readonly expectations: LaunchExpectations;
  readonly listener: LaunchListener;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Hands out a packet's only descriptor; whatever is left is closed. */
class Cargo implements Disposable {
  readonly #fds: Fd[];

  constructor(fds: readonly Fd[]) {
    this.#fds = [...fds];
  }

  get size(): number {
    return this.#fds.length;
  }

  take(): Fd {
    const fd = this.#fds.shift();
    if (fd === undefined) throw new Error('the sequence counts descriptors');
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) fd.close();
  }
}

async function takePackets(
  loop: EventLoop,
  sync: Fd,
  options: ConversationOptions,
  signal: AbortSignal,
): Promise<void> {
  const { listener } = options;
  const sequence = new LaunchSequence(options.expectations);
  const goOn = (): void => sendMessage(sync, encodeMessage({ type: 'continue' }));
  for (;;) {
    signal.throwIfAborted();
    const received = receivePacket(sync);
    if (received === undefined) {
      await readiness(loop, sync, 'read', signal);
      continue;
    }
    using cargo = new Cargo(received.fds);
    if (received.bytes.length === 0)
      throw sequence.ended() ?? new DomainError('internal', 'launch handshake ended twice');
    const message = sequence.receive(received.bytes, cargo.size);
    switch (message.type) {
      case 'spawned':
        listener.onSpawned(cargo.take());
        goOn();
        break;
      case 'terminal':
        listener.onTerminal(cargo.take());
        break;
      case 'need':
        listener.onCreated(message.created);
        await listener.onNeed(message.need, signal);
        goOn();
        break;
      case 'descriptor':
        await listener.onDescriptor(message.name, cargo.take());
        goOn();
        break;
      case 'note':
        listener.onNote(message.text);
        break;
      case 'failed':
        listener.onCreated(message.created);
        throw new LaunchError(message.failure);
      case 'ready':
        listener.onCreated(message.created);
        return;
      default:
        return assertNever(message);
    }
  }
}

/**
 * Talks to the new process until it is ready. Rejects with the child's own `LaunchError`, `deadline_exceeded`, or the reason of
 * the signal; nothing stays registered.
 */
export async function converse(loop: EventLoop, sync: Fd, options: ConversationOptions): Promise<void> {
  const controller = new AbortController();
  const unregister = options.signal?.onAbort((reason) => controller.abort(reason));
  const timer = loop.setTimer(options.deadlineMs, () => {
    controller.abort(
      new DomainError('deadline_exceeded', `the new process was not ready within ${options.deadlineMs} ms`),
    );
  });
  try {
    await takePackets(loop, sync, options, controller.signal);
  } finally {
    timer.cancel();
    unregister?.();
  }
}
