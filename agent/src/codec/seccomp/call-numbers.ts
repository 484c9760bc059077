/** Numbers by name for one kernel: the generated tables, unpacked. */
export interface CallNumbers {
  /** Position of a name in the columns; undefined for an unknown call. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** By ABI and position: the number without the base of the ABI; -1 when the ABI lacks the call. */
  readonly columns: Readonly<Record<string, readonly number[]>>;
}

function parseColumn(text: string): readonly number[] {
  let last = -1;
  return text.split(' ').map((token) => {
    if (token === '-') return -1;
    last = token === '' ? last + 1 : Number.parseInt(token, 36);
    return last;
  });
}

/** Reads the tables of `abi/seccomp-tables.ts` (written by agent/build/seccomp-abi-tables.ts). */
export function parseCallNumbers(names: string, columns: Readonly<Record<string, string>>): CallNumbers {
  const indexOf = new Map<string, number>();
  names.split(' ').forEach((name, index) => indexOf.set(name, index));
  return {
    indexOf,
    columns: Object.fromEntries(Object.entries(columns).map(([abi, text]) => [abi, parseColumn(text)])),
  };
}
