import type { CopyFileFields } from '../copy-file/copy-request.ts';

/** What the API asks about files of the guest. */
export interface FileServices {
  /** CopyFile: a file, directory or symbolic link of the share, whole or a part of it. */
  copy(fields: CopyFileFields): Promise<void>;
  /** The first bytes of the text file at an absolute path of the guest; undefined when there is none. Never waits for a writer. */
  readDiagnostic(path: string): Promise<string | undefined>;
}
