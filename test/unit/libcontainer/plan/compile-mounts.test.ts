import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOUNT_ATTR_RDONLY } from '../../../../agent/src/abi/constants.ts';
import { compileMounts } from '../../../../agent/src/libcontainer/plan/compile-mounts.ts';

const destination = fc.array(fc.constantFrom('a', 'b', 'a-', 'a0'), { minLength: 1, maxLength: 4 });

describe('compileMounts()', () => {
  it('puts `ro` off exactly where a later mount lies below', () => {
    fc.assert(
      fc.property(fc.array(destination, { maxLength: 12 }), (list) => {
        const paths = list.map((names) => `/${names.join('/')}`);
        const mounts = paths.map((path) => ({
          destination: path,
          type: 'tmpfs',
          source: '',
          options: ['ro'],
          uidMappings: [],
          gidMappings: [],
        }));
        const { steps, deferred } = compileMounts(mounts);
        const isPutOff = paths.map((path, index) =>
          paths.slice(index + 1).some((later) => later.startsWith(`${path}/`)),
        );
        const isWritable = steps.map((step) => step.do === 'mount' && (step.attributes.set & MOUNT_ATTR_RDONLY) === 0);
        expect(isWritable).toEqual(isPutOff);
        const expected = paths.filter((_, index) => isPutOff[index]).reverse();
        expect(deferred).toEqual(expected.map((path) => ({ do: 'readonly-mount', path })));
      }),
      { numRuns: 500 },
    );
  });
});
