import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePressureTrigger } from '../../../agent/src/runtime/parse-pressure-trigger.ts';

describe('parsePressureTrigger()', () => {
  it.each([
    ['memory:some:150ms/2s', { resource: 'memory', kind: 'some', stallUs: 150_000, windowUs: 2_000_000 }],
    ['io:full:1us/500ms', { resource: 'io', kind: 'full', stallUs: 1, windowUs: 500_000 }],
    ['cpu:some:10s/10s', { resource: 'cpu', kind: 'some', stallUs: 10_000_000, windowUs: 10_000_000 }],
  ])('reads %s', (text, trigger) => {
    expect(parsePressureTrigger(text)).toEqual(trigger);
  });

  it.each([
    ...['', 'memory', 'memory:some', 'memory:some:', 'memory:some:150ms', 'memory:some:150ms/', 'memory:some:/2s'],
    ...['disk:some:1ms/2s', 'memory:most:1ms/2s', 'memory:some:1ms/2s:', 'memory:some:1ms/2s/3s', 'memory:some:1/2'],
    ...[
      'memory:some:0ms/2s',
      'memory:some:3s/2s',
      'memory:some:1ms/499ms',
      'memory:some:1ms/11s',
      'Memory:some:1ms/2s',
    ],
    ...['memory:some:-1ms/2s', 'memory:some:1.5ms/2s', 'memory:some:1ms/2s\n', 'memory:some:1e3us/2s'],
  ])('does not take %j', (text) => {
    expect(parsePressureTrigger(text)).toBeUndefined();
  });

  it('takes nothing that the kernel would refuse', () => {
    const part = fc.constantFrom('memory', 'some', 'cpu', ':', '/', '1', '0', '99999999', 's', 'ms', 'us', ' ', '-');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const trigger = parsePressureTrigger(parts.join(''));
        if (trigger === undefined) return;
        expect(trigger.stallUs).toBeGreaterThan(0);
        expect(trigger.stallUs).toBeLessThanOrEqual(trigger.windowUs);
        expect(trigger.windowUs).toBeGreaterThanOrEqual(500_000);
        expect(trigger.windowUs).toBeLessThanOrEqual(10_000_000);
      }),
      { numRuns: 2000 },
    );
  });
});
