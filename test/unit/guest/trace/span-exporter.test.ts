import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, type Logger } from '../../../../agent/src/base/log.ts';
import {
  MAX_WAITING_BYTES,
  MAX_WAITING_SPANS,
  SpanExporter,
  STALL_MS,
  type SpanChannel,
  type SpanChannelEvents,
} from '../../../../agent/src/guest/trace/span-exporter.ts';

/** A collector that can be there, full, silent or gone, and a clock that the test turns. */
class World {
  now = 0;
  readonly errors: string[] = [];
  readonly channels: { events: SpanChannelEvents; taken: number[]; room: number; isClosed: boolean }[] = [];
  refusal: string | undefined;
  #timers: { due: number; run: () => void }[] = [];

  readonly log: Logger = {
    ...silentLogger,
    error: (message, fields) => void this.errors.push(`${message} ${JSON.stringify(fields)}`),
  };

  readonly exporter = new SpanExporter({
    connect: (events): SpanChannel => {
      if (this.refusal !== undefined) throw new Error(this.refusal);
      const channel = { events, taken: [] as number[], room: Infinity, isClosed: false };
      this.channels.push(channel);
      return {
        send: (bytes) => {
          const count = Math.min(bytes.length, channel.room);
          channel.room -= count;
          channel.taken.push(...bytes.subarray(0, count));
          return count;
        },
        close: () => {
          channel.isClosed = true;
        },
      };
    },
    setTimer: (delay, run) => {
      const timer = { due: this.now + delay, run };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
    nowMs: () => this.now,
    log: this.log,
  });

  pass(ms: number): void {
    this.now += ms;
    for (;;) {
      const due = this.#timers.find((timer) => timer.due <= this.now);
      if (due === undefined) return;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      due.run();
    }
  }

  get timers(): number {
    return this.#timers.length;
  }

  get last() {
    const channel = this.channels.at(-1);
    if (channel === undefined) throw new Error('nobody connected');
    return channel;
  }
}

const frame = (value: number, length = 10) => new Uint8Array(length).fill(value);

describe('the exporter of spans', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  it('connects with the first batch, which is due after five seconds', () => {
    world.exporter.add(frame(1));
    world.pass(4999);
    expect(world.channels).toHaveLength(0);
    world.exporter.add(frame(2));
    world.pass(1);
    world.last.events.onReady();
    expect(world.last.taken).toEqual([...frame(1), ...frame(2)]);
    expect(world.exporter.counts).toEqual({ sent: 2, dropped: 0 });
    expect(world.timers).toBe(0);
  });

  it('sends 512 spans at once, and keeps the connection', () => {
    for (let count = 0; count < 512; count++) world.exporter.add(frame(1));
    world.last.events.onReady();
    expect(world.exporter.counts.sent).toBe(512);
    for (let count = 0; count < 512; count++) world.exporter.add(frame(1));
    expect(world.exporter.counts.sent).toBe(1024);
    expect(world.channels).toHaveLength(1);
  });

  it('goes on where a full collector stopped, in the middle of a span', () => {
    world.exporter.add(frame(1, 40_000));
    world.exporter.add(frame(2));
    world.exporter.flush();
    world.last.room = 20_001;
    world.last.events.onReady();
    expect(world.exporter.counts.sent).toBe(0);
    world.last.room = Infinity;
    world.last.events.onReady();
    expect(world.last.taken).toEqual([...frame(1, 40_000), ...frame(2)]);
  });

  it('drops and counts what a collector that hangs does not take, and never grows', () => {
    world.exporter.add(frame(0));
    world.exporter.flush();
    world.last.room = 3;
    world.last.events.onReady();
    for (let count = 0; count < MAX_WAITING_SPANS + 50; count++) world.exporter.add(frame(1));
    expect(world.exporter.counts).toEqual({ sent: 0, dropped: 51 });
    expect(world.errors).toEqual(['the collector of spans is too slow {"dropped":1}']);
    world.pass(STALL_MS);
    expect(world.last.isClosed).toBe(true);
    expect(world.exporter.counts.dropped).toBe(MAX_WAITING_SPANS + 51);
    expect(world.timers).toBe(0);
  });

  it('holds at most 1 MiB', () => {
    for (let count = 0; count < 4; count++) world.exporter.add(frame(1, MAX_WAITING_BYTES / 4));
    world.exporter.add(frame(1));
    expect(world.exporter.counts.dropped).toBe(1);
  });

  it('loses the batch when nobody listens, and tries again with the next one', () => {
    world.exporter.add(frame(1));
    world.pass(5000);
    world.last.events.onGone('ECONNRESET');
    expect(world.exporter.counts).toEqual({ sent: 0, dropped: 1 });
    expect(world.errors).toEqual(['no collector of spans: ECONNRESET {"dropped":1}']);
    world.exporter.add(frame(2));
    world.pass(5000);
    expect(world.channels).toHaveLength(2);
    world.last.events.onReady();
    expect(world.last.taken).toEqual([...frame(2)]);
  });

  it('complains once a minute, however often it fails', () => {
    world.refusal = 'no vsock';
    for (let batch = 0; batch < 24; batch++) {
      world.exporter.add(frame(1));
      world.pass(5000);
    }
    expect(world.errors).toEqual([
      'no collector of spans: Error: no vsock {"dropped":1}',
      'no collector of spans: Error: no vsock {"dropped":12}',
    ]);
    expect(world.exporter.counts.dropped).toBe(24);
  });

  it('gives up a connection that is not made', () => {
    world.exporter.add(frame(1));
    world.pass(5000);
    world.pass(5000);
    expect(world.last.isClosed).toBe(true);
    expect(world.exporter.counts.dropped).toBe(1);
    // Its late news harm nobody.
    const old = world.last;
    world.exporter.add(frame(2));
    world.pass(5000);
    old.events.onReady();
    old.events.onGone('late');
    world.last.events.onReady();
    expect(world.last.taken).toEqual([...frame(2)]);
  });

  it('notices between batches that the collector went, and loses nothing', () => {
    world.exporter.add(frame(1));
    world.exporter.flush();
    world.last.events.onReady();
    world.exporter.add(frame(2));
    world.last.events.onGone('it closed the connection');
    expect(world.errors).toEqual([]);
    world.pass(5000);
    world.last.events.onReady();
    expect(world.channels).toHaveLength(2);
    expect(world.exporter.counts).toEqual({ sent: 2, dropped: 0 });
  });

  describe('in the end', () => {
    it('sends what is left and closes', () => {
      let isDone = false;
      world.exporter.add(frame(1));
      world.exporter.finish(2000, () => (isDone = true));
      expect(isDone).toBe(false);
      world.last.events.onReady();
      expect([isDone, world.last.isClosed, world.timers]).toEqual([true, true, 0]);
      expect(world.exporter.counts.sent).toBe(1);
    });

    it('waits no longer than it may', () => {
      let calls = 0;
      world.exporter.add(frame(1));
      world.exporter.finish(2000, () => (calls += 1));
      world.pass(2000);
      expect([calls, world.last.isClosed, world.timers]).toEqual([1, true, 0]);
      world.last.events.onGone('late');
      expect(calls).toBe(1);
    });

    it('does not wait for a collector that is not there', () => {
      let calls = 0;
      world.exporter.add(frame(1));
      world.exporter.finish(2000, () => (calls += 1));
      world.last.events.onGone('ECONNRESET');
      expect([calls, world.timers]).toEqual([1, 0]);
      world.exporter.finish(2000, () => (calls += 1));
      expect(calls).toBe(2);
    });
  });
});
