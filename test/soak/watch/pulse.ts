import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import type { Place } from '../places/place.ts';

/** Between two Checks, in ms. */
const PAUSE_MS: Readonly<Record<Place['kind'], number>> = { process: 5, vm: 20 };
/** Every so many Checks one goes over a new connection. */
const FRESH_EVERY = 10;
/** An answer that takes longer is a failure; thousands of times what an idle agent needs. In ms. */
export const ANSWER_DEADLINE_MS: Readonly<Record<Place['kind'], number>> = { process: 10_000, vm: 30_000 };

/** Health calls, one after another, while something else happens; each time in ms. */
export class Pulse implements AsyncDisposable {
  readonly times: number[] = [];
  /** What went wrong with a Check. */
  readonly problems: string[] = [];
  readonly #place: Place;
  readonly #client: AgentClient;
  readonly #loop: Promise<void>;
  #hasEnded = false;

  private constructor(place: Place, client: AgentClient) {
    this.#place = place;
    this.#client = client;
    this.#loop = this.#run();
  }

  static async start(place: Place): Promise<Pulse> {
    const client = await place.connect();
    await client.check();
    return new Pulse(place, client);
  }

  async #run(): Promise<void> {
    for (let count = 1; !this.#hasEnded; count++) {
      const client = count % FRESH_EVERY === 0 ? await this.#fresh() : this.#client;
      if (client !== undefined) await this.#check(client);
      if (client !== this.#client) client?.close();
      await sleep(PAUSE_MS[this.#place.kind]);
    }
  }

  async #fresh(): Promise<AgentClient | undefined> {
    try {
      return await this.#place.connect();
    } catch (error) {
      this.problems.push(`a new connection: ${String(error)}`);
      return undefined;
    }
  }

  async #check(client: AgentClient): Promise<void> {
    const begin = performance.now();
    try {
      await client.check({ timeoutMs: ANSWER_DEADLINE_MS[this.#place.kind] });
      this.times.push(performance.now() - begin);
    } catch (error) {
      this.problems.push(`Check: ${String(error)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasEnded = true;
    await this.#loop;
    this.#client.close();
  }
}
