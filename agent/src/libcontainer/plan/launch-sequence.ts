import { DomainError } from '../../base/errors.ts';
import { decodeInitMessage } from './handshake.ts';
import type { InitMessage, Need } from './handshake.ts';

/** What this launch may say before it is ready. */
export interface LaunchExpectations {
  readonly terminal: boolean;
  /** A first stage makes the real process; it may open the terminal for it. */
  readonly spawned: boolean;
  readonly needs: readonly Need[];
  /** Names of the descriptors that come, each once. */
  readonly descriptors: readonly string[];
}

/** What may come before the start. */
export type LaunchMessage = Exclude<InitMessage, { readonly type: 'executing' }>;

/** A launch that tells of one process that hangs in its log would never end. */
const maxNotes = 100;

/**
 * The parent's side of the handshake as a pure object: it is fed packets and refuses strays, repeats and a wrong order. After
 * a refusal the launch must be given up.
 */
export class LaunchSequence {
  /** What has to come before `ready`. */
  readonly #missing: Set<string>;
  #state: 'waiting' | 'ready' | 'failed' = 'waiting';
  #notes = 0;

  constructor(expectations: LaunchExpectations) {
    this.#missing = new Set([
      ...(expectations.spawned ? ['spawned'] : []),
      ...(expectations.terminal ? ['terminal'] : []),
      ...expectations.needs.map((need) => `need ${need}`),
      ...expectations.descriptors.map((name) => `descriptor ${name}`),
    ]);
  }

  /** Takes one packet and the number of descriptors that came with it. Throws `internal` for what must not come now. */
  receive(packet: Uint8Array, descriptorCount: number): LaunchMessage {
    const message = decodeInitMessage(packet);
    if (message === undefined) throw this.#refuse('a packet that is no message');
    if (this.#state !== 'waiting') throw this.#refuse(message.type);
    const { type } = message;
    const carries = type === 'terminal' || type === 'spawned' || type === 'descriptor' ? 1 : 0;
    if (descriptorCount !== carries) throw this.#refuse(`${type} with ${descriptorCount} descriptors`);
    switch (type) {
      case 'failed':
        this.#state = 'failed';
        return message;
      case 'note':
        if (++this.#notes > maxNotes) throw this.#refuse('number of notes');
        return message;
      case 'spawned':
      case 'terminal':
        return this.#take(type, message);
      case 'executing':
        throw this.#refuse(type);
      case 'need':
        return this.#take(`need ${message.need}`, message);
      case 'descriptor':
        return this.#take(`descriptor ${message.name}`, message);
      case 'ready': {
        const [missing] = this.#missing;
        if (missing !== undefined) throw this.#refuse(`ready without ${missing}`);
        this.#state = 'ready';
        return message;
      }
    }
  }

  /** The stream ended: what that means now. */
  ended(): DomainError | undefined {
    if (this.#state !== 'waiting') return undefined;
    return new DomainError('internal', 'the new process ended without saying why');
  }

  #take(what: string, message: LaunchMessage): LaunchMessage {
    if (this.#missing.has('spawned') && what !== 'spawned' && what !== 'terminal')
      throw this.#refuse(`${what} from the first stage`);
    if (!this.#missing.delete(what)) throw this.#refuse(what);
    return message;
  }

  #refuse(what: string): DomainError {
    return new DomainError('internal', `launch handshake: unexpected ${what} (${this.#state})`);
  }
}
