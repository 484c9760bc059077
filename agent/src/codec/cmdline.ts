/** A word of the kernel command line. */
export interface CommandLineWord {
  /** Text before the first `=`, or the whole word. */
  readonly name: string;
  /** Text after the first `=`; undefined for a bare word. */
  readonly value: string | undefined;
}

/** ASCII white space, as Rust's `split_ascii_whitespace` has it: no vertical tab. */
const BLANKS = /[ \t\n\f\r]+/;

/** Longest command line that is looked at: x86 kernels take 2 KiB, others up to 64 KiB. */
const MAX_LENGTH = 64 << 10;

/**
 * Splits `/proc/cmdline` the way the agent's contract asks (boot section 3.1): on ASCII white space; quotes mean nothing. Text
 * beyond 64 KiB is cut.
 */
export function parseCommandLine(text: string): CommandLineWord[] {
  const words: CommandLineWord[] = [];
  for (const word of text.slice(0, MAX_LENGTH).split(BLANKS)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    words.push(
      equals < 0 ? { name: word, value: undefined } : { name: word.slice(0, equals), value: word.slice(equals + 1) },
    );
  }
  return words;
}
