import { createReadStream } from 'node:fs';
import { describing, BuildError } from '../build-error.ts';
import { decompress } from '../compress/decompress.ts';
import type { CpioHeader } from '../cpio/header.ts';
import { CpioReader } from '../cpio/reader.ts';
import { allowOnly } from './options.ts';
import type { CliValues } from './options.ts';

/** `list`: reads an initrd and gives the text to print. */
export async function listCommand(values: CliValues, operands: readonly string[]): Promise<string> {
  allowOnly('list', values, []);
  const [path, extra] = operands;
  if (path === undefined || extra !== undefined) throw new BuildError('list: give one FILE (see list --help)');
  const headers: CpioHeader[] = [];
  await describing(`read ${path}`, async () => {
    const reader = new CpioReader();
    for await (const chunk of decompress(createReadStream(path) as AsyncIterable<Uint8Array>)) {
      for (const event of reader.push(chunk)) if (event.kind === 'entry') headers.push(event.header);
    }
    reader.end();
  });
  if (values.json === true) return `${JSON.stringify(headers)}\n`;
  return headers.map(describe).join('');
}

function describe(header: CpioHeader): string {
  const { mode, uid, gid, sizeBytes, rdevMajor, rdevMinor, name } = header;
  const isDevice = (mode & 0o170000) === 0o020000 || (mode & 0o170000) === 0o060000;
  const size = isDevice ? `${rdevMajor},${rdevMinor}` : String(sizeBytes);
  // A name may hold anything; what could move the terminal's cursor is shown escaped.
  const shown = name.replace(/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/g, (c) => JSON.stringify(c).slice(1, -1));
  return `${mode.toString(8).padStart(6, '0')} ${`${uid}:${gid}`.padEnd(9)} ${size.padStart(9)} ${shown}\n`;
}
