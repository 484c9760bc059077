import { BuildError } from '../build-error.ts';
import type { TarHeader } from './tar-reader.ts';
import { TarReader } from './tar-reader.ts';

/** One entry with its data. */
export interface TarMember {
  readonly header: TarHeader;
  readonly data: Uint8Array;
}

/** All entries of an archive in memory. Throws BuildError when it is none, and for a sparse file, which may be of any size. */
export function readTar(bytes: Uint8Array): TarMember[] {
  const reader = new TarReader();
  const members: TarMember[] = [];
  let pieces: Uint8Array[] = [];
  let header: TarHeader | undefined;
  for (const event of reader.push(bytes)) {
    switch (event.kind) {
      case 'entry':
        header = event.header;
        if (header.isSparse) throw new BuildError(`tar: ${JSON.stringify(header.name.slice(0, 80))}: is stored sparse`);
        pieces = [];
        break;
      case 'data':
        pieces.push(event.bytes);
        break;
      case 'hole':
        break;
      case 'end':
        if (header !== undefined) members.push({ header, data: Buffer.concat(pieces) });
        break;
    }
  }
  reader.end();
  return members;
}
