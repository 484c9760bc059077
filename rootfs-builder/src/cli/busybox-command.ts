import { resolve } from 'node:path';
import { BuildError } from '../build-error.ts';
import { busyboxTree } from '../busybox/busybox-root.ts';
import { createBusyboxRoot } from '../busybox/create-busybox-root.ts';
import { sourceDateEpoch } from '../initrd/build-initrd.ts';
import { writeOutput } from '../output/write-output.ts';
import { writeTar } from '../tar/write-tar.ts';
import { allowOnly, noOperands } from './options.ts';
import type { CliValues } from './options.ts';

/** `busybox`: makes a container root and gives the text to print. */
export async function busyboxCommand(
  values: CliValues,
  operands: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  noOperands('busybox', operands);
  allowOnly('busybox', values, ['output', 'tar', 'busybox']);
  const { output, tar, busybox } = values;
  if ((output === undefined) === (tar === undefined))
    throw new BuildError('busybox: give either --output DIR or --tar FILE');
  if (tar !== undefined) {
    const tree = await busyboxTree(busybox);
    const written = await writeOutput(tar, writeTar(tree, sourceDateEpoch(process.env)), signal);
    return values.json === true
      ? `${JSON.stringify(written)}\n`
      : `${tar}: ${written.sizeBytes} bytes, sha256 ${written.sha256}\n`;
  }
  const path = resolve(output ?? '.');
  await createBusyboxRoot(path, { signal, ...(busybox === undefined ? {} : { busybox }) });
  return values.json === true ? `${JSON.stringify({ path })}\n` : `${path}: ready\n`;
}
