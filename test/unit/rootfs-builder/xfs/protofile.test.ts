import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { protofile } from '../../../../rootfs-builder/src/xfs/protofile.ts';
import { arbitraryTree } from '../support.ts';

it('the list of any tree opens and closes each directory, or says in one line what xfs cannot hold', () => {
  fc.assert(
    fc.property(arbitraryTree, (tree) => {
      let text: string;
      try {
        text = Buffer.from(protofile(tree, ({ ino }) => `/s/${ino}`)).toString('latin1');
      } catch (error) {
        expect(error).toBeInstanceOf(BuildError);
        expect((error as Error).message).toMatch(/^xfs: [^\n]*$/);
        return;
      }
      const lines = text.split('\n').map((line) => line.trim());
      const directories = tree.entries().filter(({ kind }) => kind === 'dir').length;
      expect(lines.filter((line) => line === '$')).toHaveLength(directories);
      expect(lines.filter((line) => / -?\S*[0-7]{3} \d+ \d+/.test(` ${line}`)).length).toBeGreaterThanOrEqual(
        tree.size,
      );
    }),
  );
});
