import { FileUploads } from '../../guest/copy-file/file-uploads.ts';
import { readDiagnostic } from '../../guest/diagnostics/read-diagnostic.ts';
import type { FileServices } from '../../guest/files/file-services.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { randomBytes } from '../../sys/system.ts';

interface Parts {
  readonly loop: EventLoop;
  readonly runBlocking: <T>(name: string, work: () => T) => Promise<T>;
}

/** 96 random bits: no container can have made a file of that name before. */
function uniqueName(): string {
  return `.kihon-${Array.from(randomBytes(12), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

export function createFileServices({ loop, runBlocking }: Parts): FileServices {
  const uploads = new FileUploads({
    runBlocking,
    setTimer: (delayMs, onExpiry) => {
      const timer = loop.setTimer(delayMs, onExpiry);
      return () => timer.cancel();
    },
    uniqueName,
  });
  return {
    copy: (fields) => uploads.copy(fields),
    readDiagnostic: async (path) =>
      (await runBlocking<string | undefined>('read diagnostic data', () => readDiagnostic(path))) ?? undefined,
  };
}
