/** Longest policy text in UTF-16 units; a request carries at most 4 MiB, and the guest's heap has 64 MiB. */
export const MAX_POLICY_LENGTH = 4 << 20;
/** Longest line and most lines, as in Kata's agent: generated policies hold long environment values. */
export const MAX_LINE_LENGTH = 64 << 10;
export const MAX_LINES = 200_000;
/** Terms within terms; the parser and what follows it recurse once or a few times a level. */
export const MAX_NESTING = 100;

/**
 * Work of one decision, in steps of up to five microseconds on the engine. A generated policy needs some ten thousand for a container, so
 * this is far above what is useful, and the agent stands still for about two seconds at worst.
 */
export const MAX_STEPS = 400_000;
/** Rules and functions within each other. There is no recursion, so a policy reaches this only by being built that deep. */
export const MAX_CALL_DEPTH = 100;
/** Units of text and elements of collections that one decision may create. */
export const MAX_CREATED = 2 << 20;
/** Elements of one array that stands for the bytes of a request. */
export const MAX_BYTES_AS_ARRAY = 1 << 20;
/** Binary digits of a whole number. */
export const MAX_INTEGER_BITS = 1024;
/** `print` records kept for one decision. */
export const MAX_PRINTS = 10_000;
/** Text of all prints of one decision that is made into an answer. */
export const MAX_PRINT_TEXT = 3_000;
/** Units of text and elements of a policy's state (`data`). */
export const MAX_STATE_SIZE = 1 << 20;

/** Instructions of one compiled regular expression; bounds work per character of the text. */
export const MAX_REGEX_PROGRAM = 10_000;
/** Largest count in `x{n}`, as in RE2. */
export const MAX_REGEX_REPEAT = 1000;
/** Compiled regular expressions that are kept. */
export const MAX_REGEXES_KEPT = 128;
