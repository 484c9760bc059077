/**
 * Variables for make that take the builder's machine and clock out of the kernel
 * (Documentation/kbuild/reproducible-builds.rst): the same inputs give the same bytes.
 */
export const REPRODUCIBLE: readonly string[] = [
  'KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 2026',
  'KBUILD_BUILD_USER=kihon',
  'KBUILD_BUILD_HOST=kihon',
  'KBUILD_BUILD_VERSION=1',
];
