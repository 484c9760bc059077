import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { MAX_REGIONS, sparseNumber } from './sparse-map.ts';

/** What the records `GNU.sparse.*` of a pax header say; formats 0.0 and 0.1 have the map in them, 1.0 before the data. */
export class PaxSparse {
  readonly regions: number[] = [];
  major = 0;
  minor = 0;
  /** The file's own name: in formats 0.1 and 1.0 the entry has a made-up one. */
  name: string | undefined;
  realBytes: number | undefined;
  #blocks: number | undefined;

  /** Takes one record, `keyword` without its prefix. Throws BuildError for a number that is none, and for an unknown keyword. */
  record(keyword: string, value: Uint8Array): void {
    const number = (): number => sparseNumber(decodeBytes(value));
    switch (keyword) {
      case 'major':
        this.major = number();
        break;
      case 'minor':
        this.minor = number();
        break;
      case 'name':
        this.name = decodeBytes(value);
        break;
      case 'size':
      case 'realsize':
        this.realBytes = number();
        break;
      case 'numblocks':
        this.#blocks = number();
        break;
      case 'offset':
        if (this.regions.length % 2 !== 0) throw new BuildError("tar: a sparse file's map has two offsets in a row");
        this.regions.push(number());
        break;
      case 'numbytes':
        if (this.regions.length % 2 === 0)
          throw new BuildError("tar: a sparse file's map has a length without an offset");
        this.regions.push(number());
        break;
      case 'map':
        for (const text of decodeBytes(value).split(',')) this.regions.push(sparseNumber(text));
        break;
      default:
        throw new BuildError(`tar: unknown pax record GNU.sparse.${keyword.slice(0, 40)}`);
    }
    if (this.regions.length > 2 * MAX_REGIONS)
      throw new BuildError(`tar: a sparse file's map has more than ${MAX_REGIONS} regions`);
  }

  /** True when the map stands before the data. Throws BuildError for a version that is not known. */
  get isMapInData(): boolean {
    if (this.major === 1 && this.minor === 0) return true;
    if (this.major !== 0 || this.minor > 1)
      throw new BuildError(`tar: sparse files of version ${this.major}.${this.minor} are not known`);
    if (this.#blocks !== undefined && this.#blocks * 2 !== this.regions.length)
      throw new BuildError(
        `tar: a sparse file's map has ${this.regions.length / 2} regions in place of ${this.#blocks}`,
      );
    return false;
  }
}
