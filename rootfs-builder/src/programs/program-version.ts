import { runProgram } from './run-program.ts';

const cache = new Map<string, Promise<string>>();

/** The version a program tells of itself: the first thing in its words that looks like one, else "unknown". */
export function programVersion(program: string, args: readonly string[]): Promise<string> {
  const key = [program, ...args].join(' ');
  const known = cache.get(key);
  if (known !== undefined) return known;
  const asked = runProgram(program, args, { accept: [0, 1, 2] }).then(
    ({ stdout, stderr }) => /\b\d+\.\d+(?:[.\w-]*\w)?/.exec(`${stdout}\n${stderr}`)?.[0] ?? 'unknown',
  );
  asked.catch(() => cache.delete(key));
  cache.set(key, asked);
  return asked;
}
