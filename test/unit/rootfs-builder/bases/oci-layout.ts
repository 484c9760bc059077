/** OCI layouts and Docker archives made by hand. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarArchive } from '../archive/tar-support.ts';

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An image for one platform. */
export interface ImagePlan {
  readonly layers: readonly Buffer[];
  readonly architecture?: string;
  readonly isCompressed?: boolean;
  readonly name?: string;
}

/** Writes a layout; what `spoil` returns for a name takes the place of the blob. */
export function makeLayout(
  folder: string,
  images: readonly ImagePlan[],
  spoil: (blob: Buffer, index: number) => Buffer = (blob) => blob,
): void {
  let count = 0;
  const blob = (bytes: Buffer, isLayer = false) => {
    const digest = digestOf(bytes);
    const path = join(folder, 'blobs', digest.replace(':', '/'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, isLayer ? spoil(bytes, count++) : bytes);
    return { digest, size: bytes.length };
  };
  const json = (value: unknown) => blob(Buffer.from(JSON.stringify(value)));
  const manifests = images.map(({ layers, architecture = 'amd64', isCompressed = true, name }) => {
    const files = layers.map((layer) => blob(isCompressed ? gzipSync(layer) : layer, true));
    const config = json({ rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } });
    return {
      ...json({ schemaVersion: 2, config, layers: files }),
      platform: { os: 'linux', architecture },
      annotations: name === undefined ? {} : { 'org.opencontainers.image.ref.name': name },
    };
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

/** What `docker save` writes. */
export function dockerArchive(layers: readonly Buffer[], tag: string): Buffer {
  const config = Buffer.from(JSON.stringify({ rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } }));
  const configName = `${digestOf(config).slice(7)}.json`;
  const names = layers.map((_, index) => `${index}/layer.tar`);
  const manifest = JSON.stringify([{ Config: configName, RepoTags: [tag], Layers: names }]);
  return tarArchive(
    { name: configName, data: config },
    ...layers.map((layer, index) => ({ name: names[index] ?? '', data: layer })),
    { name: 'manifest.json', data: manifest },
  );
}
