import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { imageDocuments, isoTime } from '../../../../rootfs-builder/src/oci/image.ts';

const layer = { sizeBytes: 99, sha256: 'a'.repeat(64), diffSha256: 'b'.repeat(64), compression: 'gzip' } as const;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('imageDocuments()', () => {
  it('links index, manifest, configuration and layer by digest and size', () => {
    const { config, manifest, index, layout } = imageDocuments(layer, 'x86_64', 0, {});
    expect(text(layout)).toBe('{"imageLayoutVersion":"1.0.0"}');
    expect(text(config.bytes)).toBe(
      `{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:${'b'.repeat(64)}"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"kihon"}]}`,
    );
    for (const blob of [config, manifest])
      expect(createHash('sha256').update(blob.bytes).digest('hex')).toBe(blob.sha256);
    expect(JSON.parse(text(manifest.bytes))).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: `sha256:${config.sha256}`,
        size: config.bytes.length,
      },
      layers: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${'a'.repeat(64)}`, size: 99 },
      ],
    });
    expect(JSON.parse(text(index))).toMatchObject({
      manifests: [{ digest: `sha256:${manifest.sha256}`, platform: { architecture: 'amd64', os: 'linux' } }],
    });
  });

  it('says how a container starts, labels sorted', () => {
    const oci = {
      reference: 'kihon:1.0',
      entrypoint: ['/init'],
      cmd: ['-v'],
      env: ['A=b', 'EMPTY='],
      workingDir: '/w',
      user: '1:2',
      labels: { z: '1', a: '2' },
    };
    const { config, index } = imageDocuments({ ...layer, compression: 'zstd' }, 'aarch64', 0, oci);
    expect(text(config.bytes)).toContain(
      '"architecture":"arm64","variant":"v8","os":"linux","config":{"User":"1:2","Env":["A=b","EMPTY="],"Entrypoint":["/init"],"Cmd":["-v"],"WorkingDir":"/w","Labels":{"a":"2","z":"1"}}',
    );
    expect(text(index)).toContain('"org.opencontainers.image.ref.name":"kihon:1.0"');
  });

  it.each([
    ['an unknown architecture', 'vax', {}, 'oci: architecture "vax": must be one of x86_64'],
    ['a variable without a name', 'x86_64', { env: ['=x'] }, 'must be NAME=VALUE'],
    ['a bad reference', 'x86_64', { reference: 'a b' }, 'reference "a b"'],
    ['a relative directory', 'x86_64', { workingDir: 'w' }, 'must be absolute'],
  ])('refuses %s', (_, architecture, oci, message) => {
    expect(() => imageDocuments(layer, architecture, 0, oci)).toThrow(message);
  });

  it('writes times as RFC 3339 has them', () => expect(isoTime(1_700_000_000)).toBe('2023-11-14T22:13:20Z'));
});
