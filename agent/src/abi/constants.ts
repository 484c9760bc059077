/** Numbers and flags of the Linux ABI. The build replaces the architecture in this path for other targets. */
export * from './generated/x86_64/constants.ts';
