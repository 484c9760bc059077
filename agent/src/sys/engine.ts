/**
 * The door to the engine: nothing else in the agent touches it. What it offers is described in agent/engine/natives.c.
 */
import { installNativeText } from '../base/text.ts';

/** What a system call takes: numbers, strings (NUL-terminated copies), a buffer's address, or NULL. */
export type SyscallArg = number | bigint | string | Uint8Array | null;

/** One turn of the event loop. With `mustNotWait` it takes only what is ready: a rejected promise is waiting to be judged. */
export type Turn = (mustNotWait: boolean) => boolean;

interface Engine {
  /** The call's result, or -errno. A string with a NUL inside is a TypeError. */
  readonly syscall: (number: number, ...args: SyscallArg[]) => number;
  /** The same, called again as long as it is interrupted (EINTR). */
  readonly retriedSyscall: (number: number, ...args: SyscallArg[]) => number;
  /** The call once for each of `values`, which stand in turn for argument `index`; each becomes its errno, 0 for success. */
  readonly syscallForEach: (values: Uint8Array, index: number, number: number, ...args: SyscallArg[]) => void;
  /** Address of the first byte. Buffers never move; the caller keeps this one referenced while the kernel uses it. */
  readonly addressOf: (bytes: Uint8Array) => number;
  readonly utf8Encode: (text: string) => Uint8Array;
  /** null when the bytes are not well-formed UTF-8. */
  readonly utf8Decode: (bytes: Uint8Array, start?: number, end?: number) => string | null;
  /** Not there yet while an image is made: the image is for every start (agent/engine/image.c). */
  readonly argv?: readonly string[];
  readonly environ?: readonly string[];
  readonly entry: string;
  /** Only in a test build: the interpreter's own end. */
  readonly abort?: (() => never) | undefined;
  /** Called again and again while it is a function; runs one turn of the event loop. True lets the engine collect garbage. */
  turn?: Turn | undefined;
  /** Called when arguments and environment are there, all modules being loaded. */
  start?: (() => void) | undefined;
  /** Loads what an image has beyond what the entry imports. */
  preload?: (() => void) | undefined;
  /** Last words: called once when an error nobody caught ends the program. Must not wait. */
  onFatal?: ((error: unknown) => void) | undefined;
}

declare global {
  var engine: Engine;
}

const native = globalThis.engine;

installNativeText({ decode: native.utf8Decode, encode: native.utf8Encode });

const givenArgv: string[] = [];
let givenEnviron: readonly string[] = [];
let givenEnvironment: Record<string, string> | undefined;

export const argv: readonly string[] = givenArgv;

/**
 * The environment this process was started with, by name. A null-prototype object: the names are outside input. Made when it is first
 * asked for: to sort it takes longer than to find the few names that a command looks for (`environmentValue`).
 */
export function environment(): Readonly<Record<string, string>> {
  if (givenEnvironment !== undefined) return givenEnvironment;
  givenEnvironment = Object.create(null) as Record<string, string>;
  for (const entry of givenEnviron) {
    const equals = entry.indexOf('=');
    if (equals > 0) givenEnvironment[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return givenEnvironment;
}

/** One variable of the environment; the last of its name counts. */
export function environmentValue(name: string): string | undefined {
  const start = `${name}=`;
  for (let index = givenEnviron.length - 1; index >= 0; index--) {
    const entry = givenEnviron[index] ?? '';
    if (entry.startsWith(start)) return entry.slice(start.length);
  }
  return undefined;
}

function takeStartValues(): void {
  givenArgv.push(...(native.argv ?? []));
  givenEnviron = native.environ ?? [];
}

const isImage = native.argv === undefined;
if (!isImage) takeStartValues();

/**
 * The program of an entry that can be kept as an image: `main` runs at each start, the modules' own code may run only once, when the
 * image is made. So that code must read nothing of this process. `preload` imports what the image has besides.
 */
export function startWith(main: () => void, preload: () => Promise<void>): void {
  native.start = () => {
    native.start = undefined;
    native.preload = undefined;
    if (isImage) takeStartValues();
    main();
  };
  native.preload = () => void preload();
}

/** The raw call: result or -errno, nothing retried. */
export const rawSyscall: Engine['syscall'] = native.syscall;

/** Result or -errno, retried on EINTR: never for close(2). */
export const retriedSyscall: Engine['retriedSyscall'] = native.retriedSyscall;

/** One call many times, `values` being an argument in turn; gives each one's errno (0: success) in the same place. */
export const syscallForEach: Engine['syscallForEach'] = native.syscallForEach;

export const addressOf: Engine['addressOf'] = native.addressOf;

/** Makes `turn` the event loop of this process; undefined ends the program after the pending jobs. */
export function setTurn(turn: Turn | undefined): void {
  native.turn = turn;
}

/** Registers the last words of this process. */
export function setFatalHandler(handler: (error: unknown) => void): void {
  native.onFatal = handler;
}

/** Ends the program the way the interpreter ends it when it finds itself broken; a test build only. */
export function abortEngine(): void {
  native.abort?.();
}
