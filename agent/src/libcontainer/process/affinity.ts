import { invalidArgument } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { NumberListError, numberListMask } from '../../codec/number-mask.ts';
import { setAffinity } from '../../sys/scheduling.ts';

/** Largest NR_CPUS that a kernel can be built with on our architectures. */
const maxCpus = 8192;

/** Binds this process to `cpus`; `all` are those that its cpuset allows. */
export function bindToCpus(cpus: string, isAdvice: boolean): void {
  if (cpus === 'all') {
    setAffinity(new Uint8Array(maxCpus / 8).fill(0xff));
    return;
  }
  try {
    setAffinity(numberListMask(cpus, maxCpus));
  } catch (error) {
    if (isAdvice && isSysError(error, 'EINVAL')) return;
    if (error instanceof NumberListError) throw invalidArgument('process.execCPUAffinity', error.message);
    if (!isSysError(error, 'EINVAL')) throw error;
    throw invalidArgument('process.execCPUAffinity', `none of the CPUs ${cpus} is online and allowed by the cpuset`);
  }
}
