/** What other parts of the project use of the builder. */
export { BuildError } from './build-error.ts';
export { buildInitrd } from './initrd/build-initrd.ts';
export type { BuiltInitrd, InitrdOptions } from './initrd/build-initrd.ts';
export { parseFileSpec } from './initrd/file-spec.ts';
export type { FileSpec } from './initrd/file-spec.ts';
export { DEFAULT_MODULES } from './modules/add-modules.ts';
export type { AddedModules, ModulesOptions } from './modules/add-modules.ts';
export { createBusyboxRoot } from './busybox/create-busybox-root.ts';
export { busyboxTree } from './busybox/busybox-root.ts';
export { FileTree } from './tree/file-tree.ts';
export { scanDirectory } from './tree/scan-directory.ts';
export { writeTree } from './cpio/write-tree.ts';
export { CpioReader, readCpio } from './cpio/reader.ts';
export { writeTar } from './tar/write-tar.ts';
export { FORMATS, ROOT_TYPES } from './format/format.ts';
export type { Format, FormatProgress, FormatRequest, RootType, VerityRequest, WrittenImage } from './format/format.ts';
export { writeFormat } from './format/write-format.ts';
