import { describe, expect, it } from 'vitest';
import { AbortController } from '../../../agent/src/base/abort.ts';
import type { DeliveryGate } from '../../../agent/src/sandbox/delivery-gate.ts';
import { EventQueue } from '../../../agent/src/sandbox/event-queue.ts';

/** A gate that the test opens and closes. */
class FakeGate implements DeliveryGate {
  readonly #listeners = new Set<() => void>();
  canReply = true;

  onceWritable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get waiting(): number {
    return this.#listeners.size;
  }

  open(): void {
    this.canReply = true;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}

describe('a queue of events', () => {
  const never = new AbortController().signal;

  it('keeps events for the next poll, in order', async () => {
    const queue = new EventQueue<string>(10);
    queue.push('a');
    queue.push('b');
    expect(await queue.take(never)).toBe('a');
    expect(await queue.take(never)).toBe('b');
  });

  it('keeps an event that came while the answer could not be sent, and gives it when it can', async () => {
    const queue = new EventQueue<string>(10);
    const gate = new FakeGate();
    const poll = queue.take(never, gate);
    for (const event of ['a', 'b']) {
      const waiting = event === 'a' ? poll : queue.take(never, gate);
      gate.canReply = false;
      queue.push(event);
      expect(queue.length).toBe(1);
      gate.open();
      expect(await waiting).toBe(event);
    }
    expect(gate.waiting).toBe(0);
  });

  it('gives it to whoever can take it first, and leaves nothing at a poll that ends', async () => {
    const queue = new EventQueue<string>(10);
    const [slow, slower] = [new FakeGate(), new FakeGate()];
    const controller = new AbortController();
    const ended = queue.take(controller.signal, slow);
    const taken = queue.take(never, slower);
    slow.canReply = slower.canReply = false;
    queue.push('a');
    controller.abort(new Error('client gone'));
    await expect(ended).rejects.toThrow('client gone');
    expect(slow.waiting).toBe(0);
    slower.open();
    expect(await taken).toBe('a');
  });
});
