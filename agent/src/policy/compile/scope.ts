/** Counts the slots of one rule's frame. */
export class SlotCounter {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  take(): number {
    return this.#count++;
  }
}

/** Names of variables that a body can see, with their slots. */
export class Scope {
  readonly slots: SlotCounter;
  readonly #outer: Scope | undefined;
  readonly #names = new Map<string, number>();

  constructor(slots: SlotCounter, outer?: Scope) {
    this.slots = slots;
    this.#outer = outer;
  }

  /** A scope within this one. */
  inner(): Scope {
    return new Scope(this.slots, this);
  }

  /** A new variable, which hides one of the same name outside. */
  declare(name: string): number {
    const slot = this.slots.take();
    this.#names.set(name, slot);
    return slot;
  }

  hasOwn(name: string): boolean {
    return this.#names.has(name);
  }

  find(name: string): number | undefined {
    return this.#names.get(name) ?? this.#outer?.find(name);
  }
}
