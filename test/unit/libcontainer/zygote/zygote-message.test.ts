import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBytes } from '../../../../agent/src/base/text.ts';
import {
  decodeZygoteAnswer,
  decodeZygoteRequest,
  encodeZygoteMessage,
  maxZygoteBytes,
  type ZygoteRequest,
} from '../../../../agent/src/libcontainer/zygote/zygote-message.ts';

const request: fc.Arbitrary<ZygoteRequest> = fc.record({
  cloneFlags: fc.nat(),
  isDumpable: fc.boolean(),
  own: fc.integer({ min: 5, max: 253 }),
  hasCgroup: fc.boolean(),
  hasPidNamespace: fc.boolean(),
  firstStage: fc.array(fc.nat(), { maxLength: 8 }),
});

describe('messages of agent and zygote', () => {
  it('survive the way, and fit a packet', () => {
    fc.assert(
      fc.property(request, (wanted) => {
        const bytes = encodeZygoteMessage(wanted);
        expect(bytes.length).toBeLessThanOrEqual(maxZygoteBytes);
        expect(decodeZygoteRequest(bytes)).toEqual(wanted);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.string(), fc.nat(), (pid, text, errno) => {
        const made = { kind: 'made', pid } as const;
        expect(decodeZygoteAnswer(encodeZygoteMessage(made))).toEqual(made);
        const refused = { kind: 'refused', call: 'clone3', errno, subject: text } as const;
        expect(decodeZygoteAnswer(encodeZygoteMessage(refused))).toEqual(refused);
      }),
    );
  });

  it('are nothing at all when they are something else', () => {
    const wrong = ['', '{', 'null', '[]', '{"kind":"made"}', '{"kind":"made","pid":0}', '{"kind":"made","pid":1.5}'];
    for (const text of [...wrong, '{"kind":"refused","call":1,"errno":2}', '{"kind":"other"}'])
      expect(decodeZygoteAnswer(encodeBytes(text))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeZygoteAnswer(bytes)).not.toThrow();
      }),
    );
  });
});
