import { DomainError } from '../../base/errors.ts';
import { decodeInitMessage } from './handshake.ts';
import type { LaunchFailure } from './handshake.ts';

/** What the agent should do after a packet. */
export type LaunchEvent =
  | { readonly kind: 'terminal' }
  | { readonly kind: 'ready'; readonly created: readonly string[] }
  | { readonly kind: 'failed'; readonly failure: LaunchFailure; readonly created: readonly string[] };

/**
 * The agent's side of the handshake as a pure object: it is fed packets and refuses strays, repeats and a wrong order. After
 * a refusal the launch must be given up.
 */
export class LaunchSequence {
  readonly #expectsTerminal: boolean;
  #state: 'waiting' | 'has terminal' | 'ready' | 'failed' = 'waiting';

  constructor(expectsTerminal: boolean) {
    this.#expectsTerminal = expectsTerminal;
  }

  /** Takes one packet and the number of descriptors that came with it. Throws `internal` for what must not come now. */
  receive(packet: Uint8Array, descriptorCount: number): LaunchEvent {
    const message = decodeInitMessage(packet);
    if (message === undefined) throw this.#refuse('a packet that is no message');
    if (this.#state === 'ready' || this.#state === 'failed') throw this.#refuse(message.type);
    if (descriptorCount !== (message.type === 'terminal' ? 1 : 0)) {
      throw this.#refuse(`${message.type} with ${descriptorCount} descriptors`);
    }
    switch (message.type) {
      case 'failed':
        this.#state = 'failed';
        return { kind: 'failed', failure: message.failure, created: message.created };
      case 'terminal':
        if (!this.#expectsTerminal || this.#state === 'has terminal') throw this.#refuse('terminal');
        this.#state = 'has terminal';
        return { kind: 'terminal' };
      case 'ready':
        if (this.#expectsTerminal && this.#state !== 'has terminal') throw this.#refuse('ready without a terminal');
        this.#state = 'ready';
        return { kind: 'ready', created: message.created };
    }
  }

  /** The stream ended: what that means now. */
  ended(): DomainError | undefined {
    if (this.#state === 'ready' || this.#state === 'failed') return undefined;
    return new DomainError('internal', 'the new process ended without saying why');
  }

  #refuse(what: string): DomainError {
    return new DomainError('internal', `launch handshake: unexpected ${what} (${this.#state})`);
  }
}
