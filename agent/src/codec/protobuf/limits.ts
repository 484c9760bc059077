/**
 * What one decode may cost. A frame is at most 4 MiB, but two bytes on the wire can stand for an object of a hundred
 * bytes (security case TTR-09), and map keys chosen to collide make insertion quadratic (ENG-07). Every limit is checked
 * before memory is taken.
 */

/** Levels of messages and groups inside each other. The deepest message of the API has 6. */
export const MAX_DEPTH = 64;

/**
 * Fields (tags) read, unknown ones included: bounds the time. At 0.3 us each on the engine the worst case is 40 ms; 16,000
 * routes of seven fields fit. A caller on a faster machine may allow more.
 */
export const MAX_FIELDS = 131_072;

/** Elements of repeated fields and maps, and sub-messages: bounds the memory to about 10 MiB of objects. */
export const MAX_ELEMENTS = 65_536;

/** Map entries over all maps of one message, repeated keys included. */
export const MAX_MAP_ENTRIES = 2_000;
