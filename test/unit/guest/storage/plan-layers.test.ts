import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupLayers } from '../../../../agent/src/guest/storage/layers/layer-group.ts';
import { partitionNode, planLayers } from '../../../../agent/src/guest/storage/layers/plan-layers.ts';
import type { Storage } from '../../../../agent/src/guest/storage/storage.ts';

const MARKER = 'X-kata.multi-layer=true';
const GPT = 'X-kata.gpt-partitioned=true';
const HASH = 'ab'.repeat(32);

function layer(changes: Partial<Storage> = {}, ...options: readonly string[]): Storage {
  return {
    driver: 'blk',
    driverOptions: [],
    source: '02/03',
    fstype: 'erofs',
    options: [MARKER, ...options],
    mountPoint: '/run/kata-containers/a',
    shared: false,
    ...changes,
  };
}
const part = (number: number, ...options: readonly string[]): Storage =>
  layer({}, GPT, `X-kata.partition-number=${number}`, ...options);
const upper = (...options: readonly string[]): Storage =>
  layer({ fstype: 'ext4', source: '02/04', mountPoint: '/run/kata-containers/top' }, ...options);
const verity = (...options: readonly string[]): Storage =>
  part(
    1,
    'X-kata.dmverity-enabled=true',
    `X-kata.dmverity.roothash=${HASH}`,
    'X-kata.dmverity.hashoffset=8192',
    ...options,
  );

describe('groupLayers()', () => {
  const plain = (mountPoint: string): Storage => ({ ...layer({ mountPoint }), options: [] });

  it('leaves requests without layers alone', () => {
    const storages = [plain('/a'), plain('/b')];
    expect(groupLayers(storages)).toBe(storages);
  });

  it('makes one storage of all layers, at the place of the first, where the writable layer says', () => {
    const grouped = groupLayers([plain('/a'), layer(), plain('/b'), upper(), plain('/run/kata-containers/a')]);
    expect(grouped.map(({ driver, mountPoint }) => `${driver} ${mountPoint}`)).toEqual([
      'blk /a',
      'erofs.multi-layer /run/kata-containers/top',
      'blk /b',
    ]);
    expect(grouped[1]?.layers).toHaveLength(2);
  });
});

describe('planLayers()', () => {
  it('keeps the order of the list, and sorts partitions', () => {
    const list = planLayers([layer({ source: '04' }), layer({ source: '03' })]);
    expect(list.lowers.map(({ address }) => address)).toEqual(['04', '03']);
    const parts = planLayers([part(3), part(1), part(2)]);
    expect(parts.lowers.map(({ partition }) => partition)).toEqual([1, 2, 3]);
  });

  it('passes on the options of the writable layer that are not ours', () => {
    const plan = planLayers([layer(), upper('noatime', 'X-kata.overlay-upper')]);
    expect(plan.upper).toMatchObject({ address: '02/04', options: ['noatime'] });
    expect(planLayers([layer()]).upper).toBeUndefined();
  });

  it('knows where data and hashes lie', () => {
    expect(planLayers([verity()]).lowers[0]?.verity).toEqual({
      hashType: 1,
      dataBlockBytes: 4096,
      hashBlockBytes: 4096,
      dataBlocks: 2n,
      hashStart: 3n,
      algorithm: 'sha256',
      rootHash: HASH,
      salt: '-',
    });
    const bare = verity(
      'X-kata.dmverity.no-superblock=true',
      'X-kata.dmverity.hashsize=512',
      'X-kata.dmverity.salt=00ff',
    );
    expect(planLayers([bare]).lowers[0]?.verity).toMatchObject({ hashStart: 16n, salt: '00ff', hashBlockBytes: 512 });
  });

  it.each<readonly [string, readonly Storage[], string]>([
    ['two writable layers', [layer(), upper(), upper()], '2 upper layers'],
    ['a writable layer of another type', [layer(), layer({ fstype: 'xfs' }, 'X-kata.overlay-upper')], 'ext4'],
    ['no lower layer', [upper()], 'no lower layer'],
    ['a lower layer of another type', [layer({ fstype: 'xfs' }, 'X-kata.overlay-lower')], 'erofs'],
    ['a layer that is neither', [layer(), layer({ fstype: 'xfs' })], 'neither'],
    ['another driver', [layer({ driver: 'nvdimm' })], 'unsupported driver nvdimm'],
    [
      'the name of the group as driver',
      [layer({ driver: 'erofs.multi-layer' })],
      'unsupported driver erofs.multi-layer',
    ],
    ['a node as address', [layer({ source: '/dev/vda' })], '/dev/vda'],
    ['a wrong SCSI address', [layer({ driver: 'scsi', source: '1' })], 'SCSI'],
    ['a partitioned disk without number', [layer({}, GPT)], 'X-kata.partition-number='],
    ['partition 0', [part(0)], 'X-kata.partition-number=0'],
    ['verity without partitions', [layer({}, 'X-kata.dmverity-enabled=true')], GPT],
    ['verity without hash', [part(1, 'X-kata.dmverity-enabled=true', 'X-kata.dmverity.hashoffset=4096')], 'roothash'],
    [
      'verity without offset',
      [part(1, 'X-kata.dmverity-enabled=true', `X-kata.dmverity.roothash=${HASH}`)],
      'hashoffset',
    ],
    ['an offset within a block', [verity('X-kata.dmverity.hashoffset=8193')], 'multiple'],
    ['an odd block size', [verity('X-kata.dmverity.blocksize=5000')], 'power of two'],
    ['block size 0', [verity('X-kata.dmverity.blocksize=0')], 'above zero'],
    ['an algorithm with a space', [verity('X-kata.dmverity.algorithm=sha256 x')], 'algorithm'],
    ['a salt that is none', [verity('X-kata.dmverity.salt=xyz')], 'salt'],
    ['a folder outside of layers', [layer({}, 'X-kata.mkdir.path=/etc')], 'X-kata.mkdir.path'],
    ['a folder in the missing layer', [layer({}, 'X-kata.mkdir.path={{ mount 0 }}/a')], 'no upper layer'],
  ])('refuses %s', (_, layers, words) => {
    expect(() => planLayers(layers)).toThrow(words);
  });

  it('never lets a folder leave its layer', () => {
    const paths = fc.array(fc.constantFrom('..', '.', '', 'a', 'b'), { maxLength: 8 });
    fc.assert(
      fc.property(paths, (parts) => {
        const option = `X-kata.mkdir.path={{ mount 0 }}/${parts.join('/')}:0755`;
        try {
          const [directory] = planLayers([layer({}, option), upper()]).directories;
          expect(directory?.parts.some((name) => name === '..' || name === '')).toBe(false);
        } catch (error) {
          expect(String(error)).toContain('names no directory');
        }
      }),
    );
  });
});

describe('partitionNode()', () => {
  it.each([
    ['/dev/vda', 2, '/dev/vda2'],
    ['/dev/nvme0n1', 2, '/dev/nvme0n1p2'],
    ['/dev/vda', undefined, '/dev/vda'],
  ])('%s, %s: %s', (disk, partition, node) => {
    expect(partitionNode(disk, partition)).toBe(node);
  });
});
