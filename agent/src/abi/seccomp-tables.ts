/** System calls by ABI, for filters. The build replaces the architecture in this path for other targets. */
export * from './generated/x86_64/seccomp-tables.ts';
