import { DomainError } from '../../../base/errors.ts';
import { decodeUtf8 } from '../../../base/text.ts';
import { resourcesFromJson } from '../../../oci/from-json/spec-from-json.ts';
import type { Resources } from '../../../oci/spec.ts';
import { updateContainer } from '../../../runtime/update.ts';
import { Fd } from '../../../sys/fd.ts';
import { readFdToEnd, readFile } from '../../../sys/file.ts';
import { UsageError } from '../arguments.ts';
import type { Command, Invocation } from '../command.ts';
import { containerIdOf } from '../command.ts';
import { absolutePath } from '../settings.ts';
import { limitOptions, resourcesFromOptions } from '../update-resources.ts';

const maxBytes = 16 << 20;

function readInput(file: string): Uint8Array {
  if (file !== '-') return readFile(absolutePath(file), { maxBytes });
  const fd = new Fd(0, 'standard input');
  try {
    return readFdToEnd(fd, maxBytes);
  } finally {
    fd.release();
  }
}

function resourcesOf({ options, global }: Invocation): Resources {
  const file = options.text('resources');
  if (file === undefined) return resourcesFromOptions(options);
  const text = decodeUtf8(readInput(file));
  if (text === undefined) throw new UsageError('--resources: the file is not UTF-8');
  const { value, warnings } = resourcesFromJson(text);
  for (const warning of warnings) global.log.warn(warning);
  return value;
}

export const command: Command = {
  usage: '[options] CONTAINER-ID',
  about: [
    'Changes limits of a container. What is not given keeps its value. With --resources the other options are ignored.',
  ],
  options: [
    {
      name: 'resources',
      aliases: ['r'],
      kind: 'text',
      value: 'FILE',
      about: 'read them as JSON (linux.resources) from a file, or - for standard input',
    },
    ...limitOptions,
    { name: 'l3-cache-schema', kind: 'text', value: 'SCHEMA', about: 'refused: not changed while a container runs' },
    { name: 'mem-bw-schema', kind: 'text', value: 'SCHEMA', about: 'refused: not changed while a container runs' },
  ],
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    const { global, options } = invocation;
    for (const name of ['l3-cache-schema', 'mem-bw-schema']) {
      if (options.text(name) !== undefined)
        throw new DomainError('unimplemented', `--${name} is not supported by update`);
    }
    await updateContainer(global.root, containerIdOf(invocation), resourcesOf(invocation), global.log);
    return 0;
  },
};
