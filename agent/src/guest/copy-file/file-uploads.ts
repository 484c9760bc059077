import { DomainError } from '../../base/errors.ts';
import { checkCopyRequest, namesInShare, type CopyFileFields, type CopyRequest } from './copy-request.ts';
import { ReceivedRanges } from './received-ranges.ts';
import { beginFile, continueFile, discardFile, putDirectory, putSymlink, type Staged } from './share-tree.ts';

/** Files that are received at the same time. */
const MAX_UPLOADS = 256;
/** A host sends its chunks one after the other; nobody sends the rest after this. */
const IDLE_MS = 120_000;

/** What uploads need from the rest of the agent. */
export interface UploadContext {
  /** Runs `work` in a child with a deadline; its result must survive JSON. */
  readonly runBlocking: <T>(name: string, work: () => T) => Promise<T>;
  /** Returns how to cancel it. */
  readonly setTimer: (delayMs: number, onExpiry: () => void) => () => void;
  /** A file name that nobody can guess or has. */
  readonly uniqueName: () => string;
}

interface Upload {
  readonly staged: Staged;
  readonly size: number;
  readonly received: ReceivedRanges;
  stopTimer: () => void;
}

type RegularFile = Extract<CopyRequest, { kind: 'regular' }>;

/**
 * Files on their way into the share (contract storage, section 10). Each is received under a name of its own and appears at its
 * path in one step, when every byte is there; until then the path holds what it held before. Chunks of one path go one after
 * the other; a chunk that fails ends its upload and removes what was received.
 */
export class FileUploads {
  readonly #context: UploadContext;
  /** By path within the share. */
  readonly #uploads = new Map<string, Upload>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(context: UploadContext) {
    this.#context = context;
  }

  /** CopyFile. Throws `invalid_argument` before anything is touched, else what the file system says. */
  async copy(fields: CopyFileFields): Promise<void> {
    const names = namesInShare(fields.path);
    const key = names.join('/');
    let request: CopyRequest;
    try {
      request = checkCopyRequest(fields);
    } catch (error) {
      return this.#inTurn(key, async () => {
        await this.#discard(key, names);
        throw error;
      });
    }
    return this.#inTurn(key, () => this.#put(key, request));
  }

  #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const result = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    const turn = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#turns.get(key) === turn) this.#turns.delete(key);
      });
    this.#turns.set(key, turn);
    return result;
  }

  async #put(key: string, request: CopyRequest): Promise<void> {
    const { runBlocking } = this.#context;
    switch (request.kind) {
      case 'directory':
        await this.#discard(key, request.names);
        await runBlocking(`make directory ${key}`, () => putDirectory(request));
        return;
      case 'symlink': {
        await this.#discard(key, request.names);
        const staging = this.#context.uniqueName();
        await runBlocking(`make link ${key}`, () => putSymlink(request, request.target, staging));
        return;
      }
      case 'regular':
        try {
          await (request.offset === 0 ? this.#begin(key, request) : this.#continue(key, request));
        } catch (error) {
          await this.#discard(key, request.names);
          throw error;
        }
    }
  }

  /** Offset 0: whatever was received for this path before is dropped. An empty first chunk of a file continues nothing either. */
  async #begin(key: string, request: RegularFile): Promise<void> {
    await this.#discard(key, request.names);
    const { data, size } = request;
    const isComplete = data.length === size;
    if (!isComplete && this.#uploads.size >= MAX_UPLOADS)
      throw new DomainError('resource_exhausted', `${MAX_UPLOADS} files are being received`);
    const name = this.#context.uniqueName();
    try {
      const identity = await this.#context.runBlocking(`write ${key}`, () =>
        beginFile(request, name, data, isComplete),
      );
      if (isComplete) return;
      const received = new ReceivedRanges();
      received.add(0, data.length);
      this.#uploads.set(key, { staged: { name, identity }, size, received, stopTimer: this.#idleTimer(key, request) });
    } catch (error) {
      // The child may have been ended in the middle of it.
      await this.#remove(request.names, name);
      throw error;
    }
  }

  async #continue(key: string, request: RegularFile): Promise<void> {
    const { data, offset, size } = request;
    const upload = this.#uploads.get(key);
    if (upload === undefined)
      throw new DomainError('failed_precondition', `upload of ${key}: nothing was received at offset 0`);
    if (upload.size !== size)
      throw new DomainError('invalid_argument', `upload of ${key}: file_size was ${upload.size} and is ${size}`);
    upload.stopTimer();
    upload.received.add(offset, offset + data.length);
    const isComplete = upload.received.isComplete(size);
    await this.#context.runBlocking(`write ${key}`, () =>
      continueFile(request, upload.staged, data, offset, isComplete ? size : undefined),
    );
    if (isComplete) this.#uploads.delete(key);
    else upload.stopTimer = this.#idleTimer(key, request);
  }

  #idleTimer(key: string, { names }: CopyRequest): () => void {
    return this.#context.setTimer(IDLE_MS, () => {
      void this.#inTurn(key, () => this.#discard(key, names));
    });
  }

  async #discard(key: string, names: readonly string[]): Promise<void> {
    const upload = this.#uploads.get(key);
    if (upload === undefined) return;
    upload.stopTimer();
    this.#uploads.delete(key);
    await this.#remove(names, upload.staged.name);
  }

  /** Best effort: what hangs now may hang for ever. */
  async #remove(names: readonly string[], staging: string): Promise<void> {
    await this.#context
      .runBlocking('remove what was received', () => discardFile(names, staging))
      .catch(() => undefined);
  }
}
