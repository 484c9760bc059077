/** The documents of an OCI image (image-spec 1.1): configuration, manifest, index. Pure; the order of keys is fixed. */
import { createHash } from 'node:crypto';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { Compression } from '../compress/compress.ts';
import type { OciConfig } from '../format/format.ts';

/** Go's names of architectures, which the specification uses. */
const ARCHITECTURES: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  x86_64: { architecture: 'amd64' },
  aarch64: { architecture: 'arm64', variant: 'v8' },
  ppc64le: { architecture: 'ppc64le' },
  s390x: { architecture: 's390x' },
  riscv64: { architecture: 'riscv64' },
};

const LAYER_TYPES: Readonly<Record<Compression, string>> = {
  none: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};

/** A stored blob. */
export interface Blob {
  readonly bytes: Uint8Array;
  /** SHA-256 in hexadecimal: its file name under blobs/sha256. */
  readonly sha256: string;
}

/** The one layer of an image, written before its documents. */
export interface Layer {
  readonly sizeBytes: number;
  /** Of the stored (compressed) bytes and of the archive in them, in hexadecimal. */
  readonly sha256: string;
  readonly diffSha256: string;
  readonly compression: Compression;
}

/** Everything beside the layer. */
export interface ImageDocuments {
  readonly config: Blob;
  readonly manifest: Blob;
  readonly index: Uint8Array;
  readonly layout: Uint8Array;
}

export function imageDocuments(
  layer: Layer,
  architecture: string,
  createdSeconds: number,
  oci: OciConfig,
): ImageDocuments {
  const platform = ARCHITECTURES[architecture];
  if (platform === undefined)
    throw new BuildError(
      `oci: architecture ${JSON.stringify(architecture)}: must be one of ${Object.keys(ARCHITECTURES).join(', ')}`,
    );
  checkConfig(oci);
  const created = isoTime(createdSeconds);
  const config = blob({
    created,
    ...platform,
    os: 'linux',
    config: {
      ...(oci.user === undefined ? {} : { User: oci.user }),
      ...(oci.env === undefined ? {} : { Env: oci.env }),
      ...(oci.entrypoint === undefined ? {} : { Entrypoint: oci.entrypoint }),
      ...(oci.cmd === undefined ? {} : { Cmd: oci.cmd }),
      ...(oci.workingDir === undefined ? {} : { WorkingDir: oci.workingDir }),
      ...(oci.labels === undefined ? {} : { Labels: sorted(oci.labels) }),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer.diffSha256}`] },
    history: [{ created, created_by: 'kihon' }],
  });
  const manifest = blob({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config.sha256, config.bytes.length),
    layers: [descriptor(LAYER_TYPES[layer.compression], layer.sha256, layer.sizeBytes)],
  });
  const index = document({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest.sha256, manifest.bytes.length),
        platform: { ...platform, os: 'linux' },
        annotations: { 'org.opencontainers.image.ref.name': oci.reference ?? 'latest' },
      },
    ],
  });
  return { config, manifest, index, layout: document({ imageLayoutVersion: '1.0.0' }) };
}

/** Seconds since 1970 as RFC 3339. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

function checkConfig({ env = [], reference, workingDir }: OciConfig): void {
  const bad = env.find((text) => !/^[^=\0]+=[^\0]*$/.test(text));
  if (bad !== undefined) throw new BuildError(`oci: env ${JSON.stringify(bad)}: must be NAME=VALUE`);
  if (reference !== undefined && !/^[A-Za-z0-9]+(?:[-._:@/+]?[A-Za-z0-9]+|--)*$/.test(reference))
    throw new BuildError(`oci: reference ${JSON.stringify(reference)}: not one of the image specification`);
  if (workingDir !== undefined && !workingDir.startsWith('/'))
    throw new BuildError(`oci: working directory ${JSON.stringify(workingDir)}: must be absolute`);
}

function descriptor(mediaType: string, sha256: string, size: number): object {
  return { mediaType, digest: `sha256:${sha256}`, size };
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function document(value: object): Uint8Array {
  return encodeBytes(JSON.stringify(value));
}

function blob(value: object): Blob {
  const bytes = document(value);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
