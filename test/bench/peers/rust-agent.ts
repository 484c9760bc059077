/**
 * Kata's Rust agent, measured in the same run, where somebody has one: `KIHON_BENCH_RUST_INITRD` names an initrd with it as `/init`,
 * `KIHON_BENCH_RUST_AGENT` the program itself. Without them its recorded numbers stand beside ours.
 */
export const rustInitrd = process.env['KIHON_BENCH_RUST_INITRD'];
export const rustAgent = process.env['KIHON_BENCH_RUST_AGENT'];

export const RUST = { key: 'rust', title: 'Rust agent (same run)' } as const;

/** It sends no ready message; this is in its log, which goes to the console, right before it listens. */
export const RUST_READY_TEXT = 'ttRPC server started';

/**
 * What it is asked for at once, in bytes: it writes an answer in one piece, and a guest write of little more than 32 KiB stalls
 * vhost-device-vsock for ever.
 */
export const RUST_READ_LENGTH = 32_000;
