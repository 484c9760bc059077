import { describe, expect, it } from 'vitest';
import { decodeBytes } from '../../../../agent/src/base/text.ts';
import { createLogger, type AgentLog } from '../../../../agent/src/guest/log/create-logger.ts';
import { OUTPUT_FULL, OUTPUT_GONE, type LogOutput } from '../../../../agent/src/guest/log/log-output.ts';

/** An output that takes `room` bytes and then none until it is given more. */
class FakeOutput implements LogOutput {
  text = '';
  room: number;
  isGone = false;
  #waiting: (() => void) | undefined;

  constructor(room = Infinity) {
    this.room = room;
  }

  tryWrite(bytes: Uint8Array): number {
    if (this.isGone) return OUTPUT_GONE;
    if (this.room === 0) return OUTPUT_FULL;
    const count = Math.min(bytes.length, this.room);
    this.room -= count;
    this.text += decodeBytes(bytes.subarray(0, count));
    return count;
  }

  onWritable(callback: () => void): void {
    this.#waiting = callback;
  }

  give(room: number): void {
    this.room += room;
    const callback = this.#waiting;
    this.#waiting = undefined;
    callback?.();
  }

  get messages(): unknown[] {
    const lines = this.text.split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { msg: unknown }).msg);
  }
}

function logger(ringBytes?: number): AgentLog {
  const base = { level: 'INFO', pid: 1, now: () => ({ sec: 0n, nsec: 0 }) } as const;
  return createLogger(ringBytes === undefined ? base : { ...base, ringBytes });
}

describe('createLogger()', () => {
  it('keeps records until there is an output', () => {
    const log = logger();
    log.info('early');
    const output = new FakeOutput();
    log.setOutput(output);
    log.child('mount').warn('late');
    expect(output.messages).toEqual(['early', 'late']);
    expect(output.text).toContain('"subsystem":"mount"');
  });

  it('filters by level, which can change', () => {
    const log = logger();
    const output = new FakeOutput();
    log.setOutput(output);
    log.debug('no');
    log.setLevel('DEBG');
    log.debug('yes');
    log.setLevel('CRIT');
    log.error('no');
    log.log('CRIT', 'always');
    expect(output.messages).toEqual(['yes', 'always']);
  });

  it('goes on when a full output can take more', () => {
    const log = logger();
    const output = new FakeOutput(10);
    log.setOutput(output);
    log.info('one');
    log.info('two');
    expect(output.text).toHaveLength(10);
    output.give(50);
    output.give(1e6);
    expect(output.messages).toEqual(['one', 'two']);
  });

  it('drops the oldest records and says how many, once there is room', () => {
    const log = logger(1000);
    const output = new FakeOutput(0);
    log.setOutput(output);
    for (let count = 0; count < 20; count++) log.info(`record ${count}`);
    output.give(1e6);
    const { messages } = output;
    expect(messages.at(-2)).toBe('record 19');
    expect(messages.at(-1)).toBe('log records were dropped');
    expect(output.text).toContain(`"count":"${20 - (messages.length - 1)}"`);
  });

  it('gives the next reader whole records only', () => {
    const log = logger();
    const first = new FakeOutput(5);
    log.setOutput(first);
    log.info('one');
    log.info('two');
    log.setOutput(undefined);
    const second = new FakeOutput();
    log.setOutput(second);
    expect(second.messages).toEqual(['two', 'log records were dropped']);
  });

  it('keeps records when the output is gone', () => {
    const log = logger();
    const first = new FakeOutput();
    log.setOutput(first);
    first.isGone = true;
    log.info('kept');
    const second = new FakeOutput();
    log.setOutput(second);
    first.give(1);
    expect(second.messages).toEqual(['kept']);
  });
});
