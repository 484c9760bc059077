/** What the agent's own command line asks for. */
export type AgentArguments =
  | { readonly kind: 'run'; readonly configFile?: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage'; readonly message: string };

/**
 * Reads `-c FILE`, `--config FILE`, `-v` and `--version` (contract 2.1).
 *
 * `isInit`: as PID 1 the kernel hands over words of its own command line that nobody else wanted, so unknown ones
 * are ignored there instead of being refused.
 *
 * @param argv without the program's name.
 */
export function parseArguments(argv: readonly string[], isInit: boolean): AgentArguments {
  let configFile: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '-c' || word === '--config') {
      configFile = argv[++index];
      if (configFile === undefined) return { kind: 'usage', message: `${word} needs a file name` };
    } else if (!isInit && (word === '-v' || word === '--version')) {
      return { kind: 'version' };
    } else if (!isInit) {
      return { kind: 'usage', message: `unknown argument ${word}; known are --config FILE and --version` };
    }
  }
  return configFile === undefined ? { kind: 'run' } : { kind: 'run', configFile };
}
