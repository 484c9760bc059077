import type { Survey } from '../tree/survey.ts';
import type { FileTree } from '../tree/file-tree.ts';
import type { FormatRequest, ToolVersion } from './format.ts';

/** A file system to be written into one file. */
export interface FileSystemJob {
  readonly tree: FileTree;
  readonly survey: Survey;
  /** Seconds since 1970. */
  readonly time: number;
  /** The file to make. */
  readonly path: string;
  /** A path in the scratch folder for a file or folder of that name. */
  readonly scratch: (name: string) => string;
  /** Exact size. Only erofs can do without: it is as long as its content. */
  readonly sizeBytes?: number;
  readonly isTailFree: boolean;
  /** Files are compressed (erofs). */
  readonly isCompressed: boolean;
  readonly signal?: AbortSignal;
  /** 0 to 1 of this job. */
  readonly progress: (fraction: number) => void;
}

/** How one type of file system is made. */
export interface FileSystem {
  /** Makes the file. Throws BuildError when the tree does not fit, or holds what the type cannot. */
  write(job: FileSystemJob): Promise<void>;
  /** Free bytes of an empty one; absent where the content makes the size. */
  readonly freeOf?: (job: Omit<FileSystemJob, 'path'>, sizeBytes: number) => Promise<number>;
  /** Whether blocks of zeros take no room in it. */
  readonly keepsHoles: boolean;
  tools(): Promise<ToolVersion[]>;
}

/** Reports of one step as a part of the whole. */
export function progressOf(
  report: FormatRequest['report'],
  step: string,
  [from, to]: readonly [number, number],
): (fraction: number) => void {
  return (fraction) => report?.({ step, fraction: from + Math.min(1, Math.max(0, fraction)) * (to - from) });
}
