/** What other parts of the project use of the kernel builder. */
export { ARCHITECTURES, findArchitecture, hostArchitecture } from './architecture.ts';
export type { Architecture } from './architecture.ts';
export { buildKernel } from './build/build-kernel.ts';
export type { BuildOptions, BuiltKernel, KernelRequest } from './build/build-kernel.ts';
export { checkConfiguration } from './build/check-configuration.ts';
export type { CheckedConfiguration } from './build/check-configuration.ts';
export { BuildFailure, BuildInterrupted } from './build/failure.ts';
export type { KernelRecord } from './build/finished-kernel.ts';
export type { KernelEvent, KernelReport } from './build/kernel-event.ts';
export { listSeries } from './build/kernel-source.ts';
export { CONFIGURATIONS, DEFAULT_SERIES, findConfiguration } from './configurations.ts';
export type { KernelConfiguration, KernelOutputs } from './configurations.ts';
export { FragmentError } from './fragment/parse-fragment.ts';
export { listFragments } from './fragment/load-fragments.ts';
