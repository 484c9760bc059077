/** The host command as it is installed, one file, for tests that run it in other surroundings than the repository. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeArguments } from '../repository.ts';

/** How a command ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bundles the command into `folder`, about a second, and gives the file. */
export async function bundleKihon(folder: string): Promise<string> {
  const file = join(folder, 'kihon');
  await promisify(execFile)(process.execPath, nodeArguments('host/build/bundle.ts', file));
  return file;
}

/** Runs a program and gives how it ended, whatever that is. Nothing of this process's environment is passed on but PATH. */
export async function outcomeOf(
  command: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  const [program = '', ...args] = command;
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...options.env };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      cwd: options.cwd,
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code: number | string; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, stdout, stderr };
  }
}
