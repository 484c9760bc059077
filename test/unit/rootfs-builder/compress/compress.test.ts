import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compress, throughProgram } from '../../../../rootfs-builder/src/compress/compress.ts';
import { decompress } from '../../../../rootfs-builder/src/compress/decompress.ts';
import { collect, streamOf } from '../support.ts';

const data = new Uint8Array(Buffer.from('all work and no play makes a dull archive. '.repeat(10_000)));

async function* failing(): AsyncGenerator<Uint8Array> {
  yield data;
  await Promise.resolve();
  throw new Error('the source broke');
}

describe('compress()', () => {
  it('gzip writes a header that says nothing about time or host', async () => {
    const packed = await collect(compress('gzip', streamOf(data)));
    expect([...packed.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
    expect(gunzipSync(packed).equals(data)).toBe(true);
  });

  it('gives the same bytes however the input is cut', async () => {
    const whole = await collect(compress('gzip', streamOf(data)));
    const cut = await collect(compress('gzip', streamOf(data.slice(0, 7), data.slice(7, 70_000), data.slice(70_000))));
    expect(Buffer.compare(cut, whole)).toBe(0);
  });

  it.each(['gzip', 'zstd', 'none'] as const)('decompress() undoes %s', async (compression) => {
    const back = await collect(decompress(compress(compression, streamOf(data))));
    expect(Buffer.compare(back, data)).toBe(0);
  });

  it.each(['gzip', 'zstd', 'none'] as const)('%s passes on what went wrong in the source', async (compression) => {
    await expect(collect(compress(compression, failing()))).rejects.toThrow('the source broke');
  });
});

describe('throughProgram()', () => {
  it('says how to get a program that is not installed', async () => {
    await expect(collect(throughProgram('kihon-no-such-program', [], streamOf(data)))).rejects.toThrow(
      'kihon-no-such-program: program not found; on Debian: apt-get install kihon-no-such-program',
    );
  });

  it('reports the status and the last line of a program that fails', async () => {
    await expect(collect(throughProgram('sh', ['-c', 'echo why >&2; exit 3'], streamOf(data)))).rejects.toThrow(
      'sh: ended with status 3: why',
    );
  });

  it('reports a program that is killed', async () => {
    await expect(collect(throughProgram('sh', ['-c', 'kill -9 $$'], streamOf(data)))).rejects.toThrow(
      'sh: ended with SIGKILL',
    );
  });
});
