import { BuildError } from '../build-error.ts';
import { COMPRESSIONS } from '../compress/compress.ts';
import { buildInitrd } from '../initrd/build-initrd.ts';
import type { BuiltInitrd } from '../initrd/build-initrd.ts';
import { parseFileSpec } from '../initrd/file-spec.ts';
import type { ModulesOptions } from '../modules/add-modules.ts';
import { allowOnly, choiceOf, noOperands } from './options.ts';
import type { CliValues } from './options.ts';

/** `initrd`: builds one and gives the text to print. */
export async function initrdCommand(
  values: CliValues,
  operands: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  noOperands('initrd', operands);
  const known = [
    'agent',
    'output',
    'root',
    'owner',
    'file',
    'modules',
    'kernel-release',
    'module',
    'compress',
  ] as const;
  allowOnly('initrd', values, known);
  if (values.output === undefined) throw new BuildError('initrd: --output FILE is missing (see initrd --help)');
  const compression = choiceOf('compress', values.compress, COMPRESSIONS);
  const modules = modulesOptions(values);
  const built = await buildInitrd({
    output: values.output,
    ...(values.agent === undefined ? {} : { agent: values.agent }),
    ...(values.root === undefined ? {} : { root: values.root }),
    owner: choiceOf('owner', values.owner, ['keep', 'root']),
    files: (values.file ?? []).map(parseFileSpec),
    ...(modules === undefined ? {} : { modules }),
    compression,
    signal,
  });
  return values.json === true ? `${JSON.stringify(built)}\n` : describe(built, compression);
}

function modulesOptions(values: CliValues): ModulesOptions | undefined {
  const { modules: directory, module: extra, 'kernel-release': release } = values;
  if (directory === undefined) {
    if (extra !== undefined || release !== undefined)
      throw new BuildError('initrd: --module and --kernel-release need --modules DIR');
    return undefined;
  }
  return { directory, ...(release === undefined ? {} : { release }), ...(extra === undefined ? {} : { extra }) };
}

function describe(built: BuiltInitrd, compression: string): string {
  const { path, sizeBytes, unpackedBytes, entries, sha256, modules } = built;
  const lines = [
    `${path}: ${sizeBytes} bytes (${compression}; ${unpackedBytes} unpacked, ${entries} entries), sha256 ${sha256}`,
  ];
  if (modules !== undefined) {
    lines.push(`modules of ${modules.release}: ${modules.modules.join(' ')}`);
    if (modules.absent.length > 0) lines.push(`not in this kernel: ${modules.absent.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}
