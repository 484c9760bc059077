import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { SysError } from '../../../../agent/src/base/sys-error.ts';
import { encodeBytes } from '../../../../agent/src/base/text.ts';
import {
  decodeInitMessage,
  encodeMessage,
  decodeParentMessage,
  maxPacketBytes,
} from '../../../../agent/src/libcontainer/plan/handshake.ts';
import type { InitMessage } from '../../../../agent/src/libcontainer/plan/handshake.ts';
import { LaunchError, describeFailure } from '../../../../agent/src/libcontainer/plan/launch-failure.ts';
import { LaunchSequence } from '../../../../agent/src/libcontainer/plan/launch-sequence.ts';
import type { LaunchExpectations } from '../../../../agent/src/libcontainer/plan/launch-sequence.ts';

const terminal = encodeMessage({ type: 'terminal' });
const ready = encodeMessage({ type: 'ready', created: ['/a'] });
const failure = describeFailure(
  'mount proc on /proc',
  new DomainError('invalid_argument', 'source', new SysError('openat2', 2, 'ENOENT', '/x')),
);
const failed = encodeMessage({ type: 'failed', failure, created: [] });

const expecting = (terminal: boolean, more: Partial<LaunchExpectations> = {}): LaunchExpectations => ({
  terminal,
  spawned: false,
  needs: [],
  descriptors: [],
  ...more,
});

describe('LaunchSequence', () => {
  it('takes `ready`, or the terminal and then `ready`', () => {
    expect(new LaunchSequence(expecting(false)).receive(ready, 0)).toEqual({ type: 'ready', created: ['/a'] });
    const sequence = new LaunchSequence(expecting(true));
    expect(sequence.receive(terminal, 1)).toEqual({ type: 'terminal' });
    expect(sequence.receive(ready, 0).type).toBe('ready');
    expect(sequence.ended()).toBeUndefined();
  });

  it('takes a failure at any time before `ready`, whole', () => {
    const event = new LaunchSequence(expecting(true)).receive(failed, 0);
    expect(event.type === 'failed' && event.failure).toEqual({
      step: 'mount proc on /proc',
      chain: ['source', 'openat2 /x: ENOENT'],
      code: 'invalid_argument',
      call: 'openat2',
      errno: 2,
      errnoName: 'ENOENT',
      subject: '/x',
    });
  });

  const wrong: [string, boolean, [Uint8Array, number][]][] = [
    ['a terminal nobody asked for', false, [[terminal, 1]]],
    [
      'a second terminal',
      true,
      [
        [terminal, 1],
        [terminal, 1],
      ],
    ],
    ['a terminal without its descriptor', true, [[terminal, 0]]],
    ['ready before the terminal', true, [[ready, 0]]],
    [
      'ready twice',
      false,
      [
        [ready, 0],
        [ready, 0],
      ],
    ],
    [
      'a failure after ready',
      false,
      [
        [ready, 0],
        [failed, 0],
      ],
    ],
    ['ready with a descriptor', false, [[ready, 1]]],
    ['start, which is ours to say', false, [[encodeMessage({ type: 'start' }), 0]]],
    ['junk', false, [[encodeBytes('{'), 0]]],
  ];
  it.each(wrong)('refuses %s', (_title, expectsTerminal, packets) => {
    const sequence = new LaunchSequence(expecting(expectsTerminal));
    expect(() => {
      for (const [packet, descriptors] of packets) sequence.receive(packet, descriptors);
    }).toThrow('unexpected');
  });

  it('takes what a launch may ask for and send, each once, before `ready`', () => {
    const sequence = new LaunchSequence(
      expecting(false, { spawned: true, needs: ['id-maps', 'runtime-hooks'], descriptors: ['seccomp-listener'] }),
    );
    expect(sequence.receive(encodeMessage({ type: 'spawned' }), 1).type).toBe('spawned');
    expect(sequence.receive(encodeMessage({ type: 'need', need: 'id-maps', created: [] }), 0)).toEqual({
      type: 'need',
      need: 'id-maps',
      created: [],
    });
    expect(sequence.receive(encodeMessage({ type: 'note', text: 'x' }), 0)).toEqual({ type: 'note', text: 'x' });
    sequence.receive(encodeMessage({ type: 'need', need: 'runtime-hooks', created: [] }), 0);
    const listener = encodeMessage({ type: 'descriptor', name: 'seccomp-listener' });
    expect(sequence.receive(listener, 1)).toEqual({ type: 'descriptor', name: 'seccomp-listener' });
    expect(sequence.receive(ready, 0).type).toBe('ready');
  });

  it('refuses the last word of a start before there was one', () => {
    const sequence = new LaunchSequence(expecting(false));
    expect(() => sequence.receive(encodeMessage({ type: 'executing' }), 0)).toThrow('unexpected executing');
  });

  it('refuses what a launch was not to ask for, asks twice, or leaves out', () => {
    const need = encodeMessage({ type: 'need', need: 'id-maps', created: [] });
    expect(() => new LaunchSequence(expecting(false)).receive(need, 0)).toThrow('unexpected need id-maps');
    const sequence = new LaunchSequence(expecting(false, { needs: ['id-maps'] }));
    expect(() => sequence.receive(ready, 0)).toThrow('ready without need id-maps');
    sequence.receive(need, 0);
    expect(() => sequence.receive(need, 0)).toThrow('unexpected need id-maps');
    const staged = new LaunchSequence(expecting(false, { spawned: true, needs: ['id-maps'] }));
    expect(() => staged.receive(need, 0)).toThrow('from the first stage');
    const other = encodeMessage({ type: 'descriptor', name: 'other' });
    expect(() => new LaunchSequence(expecting(false, { descriptors: ['one'] })).receive(other, 1)).toThrow(
      'descriptor other',
    );
  });

  it('ends a process that never stops taking notes', () => {
    const sequence = new LaunchSequence(expecting(false));
    const note = encodeMessage({ type: 'note', text: 'again' });
    expect(() => {
      for (let count = 0; count < 1000; count++) sequence.receive(note, 0);
    }).toThrow('number of notes');
  });

  it('tells a silent death from an end that was due', () => {
    expect(new LaunchSequence(expecting(false)).ended()?.message).toContain('without saying why');
    const sequence = new LaunchSequence(expecting(false));
    sequence.receive(failed, 0);
    expect(sequence.ended()).toBeUndefined();
  });

  it('survives any packet', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(encodeBytes)), (packet) => {
        expect(() => new LaunchSequence(expecting(false)).receive(packet, 0)).toThrow(DomainError);
      }),
    );
  });
});

const text = fc.string({ maxLength: 300 });
const created = fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 });
const anyFailure = fc.record({ step: text, chain: fc.array(text, { maxLength: 8 }), code: text });
const anyMessage: fc.Arbitrary<InitMessage> = fc.oneof(
  fc.constant({ type: 'spawned' } as const),
  fc.constant({ type: 'terminal' } as const),
  fc.record({ type: fc.constant('descriptor' as const), name: text }),
  fc.record({ type: fc.constant('note' as const), text }),
  fc.record({ type: fc.constant('ready' as const), created }),
  fc.record({ type: fc.constant('failed' as const), failure: anyFailure, created }),
  fc.record({
    type: fc.constant('need' as const),
    need: fc.constantFrom('id-maps' as const, 'time-offsets' as const, 'runtime-hooks' as const),
    created,
  }),
);

describe('encodeMessage()', () => {
  it('gives what decodeInitMessage() reads, for every message', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeInitMessage(encodeMessage(message))).toEqual(message);
      }),
    );
  });

  it('always fits a packet, whatever the failure says', () => {
    const long = 'x'.repeat(1_000_000);
    const created = Array.from({ length: 10_000 }, () => `/${'a'.repeat(390)}`);
    const chain = Array.from({ length: 100 }, () => long);
    const bytes = encodeMessage({
      type: 'failed',
      failure: { step: long, chain, code: 'internal', subject: long },
      created,
    });
    expect(bytes.length).toBeLessThan(maxPacketBytes);
    expect(decodeInitMessage(bytes)?.type).toBe('failed');
  });

  it('fits a packet also where each character takes six bytes', () => {
    const created = Array.from({ length: 100 }, (_, index) => `/${'\x01'.repeat(390)}${index}`);
    const message = decodeInitMessage(encodeMessage({ type: 'ready', created }));
    expect(encodeMessage({ type: 'ready', created }).length).toBeLessThanOrEqual(maxPacketBytes);
    expect(message?.type === 'ready' && message.created.length).toBe(25);
    const long = '\x01'.repeat(5000);
    const worst = { step: long, chain: Array.from({ length: 20 }, () => long), code: 'internal', subject: long };
    const bytes = encodeMessage({ type: 'failed', failure: worst, created });
    expect(bytes.length).toBeLessThanOrEqual(maxPacketBytes);
    expect(decodeInitMessage(bytes)?.type).toBe('failed');
  });

  it('knows the words of the parent, and no others', () => {
    for (const type of ['start', 'continue', 'detach'] as const)
      expect(decodeParentMessage(encodeMessage({ type }))).toBe(type);
    expect(decodeParentMessage(ready)).toBeUndefined();
    expect(decodeParentMessage(new Uint8Array())).toBeUndefined();
  });
});

describe('LaunchError', () => {
  it('reads like a sentence and keeps the code', () => {
    const error = new LaunchError(failure);
    expect(error.message).toBe('mount proc on /proc: source: openat2 /x: ENOENT');
    expect(error.code).toBe('invalid_argument');
  });

  it('does not take a code it does not know from the child', () => {
    expect(new LaunchError({ ...failure, code: 'ok' }).code).toBe('internal');
  });

  it('describes anything that can be thrown, null included', () => {
    expect(describeFailure('s', null).chain).toEqual(['out of memory']);
    expect(describeFailure('s', 'text').chain).toEqual(['text']);
  });
});
