/**
 * Something the caller of the builder can put right: a missing file, a refused name, a program that is not installed.
 * The message is one line that says what was attempted on what, and why it did not work.
 */
export class BuildError extends Error {
  override readonly name = 'BuildError';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** The errno name and nothing else for a Node system error ("ENOENT"), else the message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}

/** Runs `work`, turning a failure into "`what`: reason". A BuildError already says it all and passes through. */
export async function describing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof BuildError ? error : new BuildError(`${what}: ${reasonOf(error)}`, error);
  }
}
