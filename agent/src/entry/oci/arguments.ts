import { DomainError } from '../../base/errors.ts';

/** One option of a command. */
export interface Option {
  /** Long name, without dashes. */
  readonly name: string;
  /** Short forms and old names, without dashes. */
  readonly aliases?: readonly string[];
  /** `flag` is there or not (or `--name=false`), `list` may be given again and again. */
  readonly kind: 'flag' | 'text' | 'list';
  /** What the help calls the value, e.g. `FILE`. */
  readonly value?: string;
  readonly about: string;
}

/** Wrong use of the command line: told with a hint at the help. */
export class UsageError extends DomainError {
  constructor(message: string) {
    super('invalid_argument', message);
  }
}

/** What was given. */
export class Options {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.get(name)?.at(-1) === 'true';
  }

  /** The last one counts. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** A whole number; throws a UsageError for anything else. */
  count(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d{1,15}$/.test(value)) throw new UsageError(`--${name}: ${JSON.stringify(value)} is not a whole number`);
    return Number(value);
  }
}

export interface ParsedArguments {
  readonly options: Options;
  readonly operands: readonly string[];
}

const booleans: ReadonlyMap<string, string> = new Map([
  ...['true', 't', '1', 'TRUE', 'T', 'True'].map((word) => [word, 'true'] as const),
  ...['false', 'f', '0', 'FALSE', 'F', 'False'].map((word) => [word, 'false'] as const),
]);

/** `-it` for `-i -t`: only letters that are flags. */
function splitLetters(name: string, find: (name: string) => Option | undefined): readonly Option[] | undefined {
  const options = Array.from(name).map(find);
  return options.length > 1 && options.every((option) => option?.kind === 'flag') ? (options as Option[]) : undefined;
}

/**
 * Reads a command line as runc does (Go's flag package): one dash or two, `--name value` or `--name=value`, `--` ends the options.
 * With `stopsAtOperand` everything from the first operand on is left alone: it is somebody else's command line.
 */
export function parseArguments(
  known: readonly Option[],
  args: readonly string[],
  stopsAtOperand: boolean,
): ParsedArguments {
  // A search per word: fewer steps than to make a table of all names at each start.
  const find = (name: string): Option | undefined =>
    known.find((option) => option.name === name || option.aliases?.includes(name) === true);
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  const add = (option: Option, value: string): void => {
    const given = values.get(option.name);
    if (given === undefined) values.set(option.name, [value]);
    else given.push(value);
  };
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--') {
      operands.push(...args.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      if (stopsAtOperand) {
        operands.push(...args.slice(index));
        break;
      }
      operands.push(word);
      continue;
    }
    const body = word.slice(word.startsWith('--') ? 2 : 1);
    const equals = body.indexOf('=');
    const name = equals < 0 ? body : body.slice(0, equals);
    const inline = equals < 0 ? undefined : body.slice(equals + 1);
    const option = find(name);
    if (option === undefined) {
      const letters = inline === undefined && !word.startsWith('--') ? splitLetters(name, find) : undefined;
      if (letters === undefined) throw new UsageError(`flag provided but not defined: ${word.slice(0, 100)}`);
      for (const letter of letters) add(letter, 'true');
    } else if (option.kind === 'flag') {
      const value = booleans.get(inline ?? 'true');
      if (value === undefined)
        throw new UsageError(`--${option.name}: ${JSON.stringify(inline)} is neither true nor false`);
      add(option, value);
    } else {
      const value = inline ?? args[++index];
      if (value === undefined) throw new UsageError(`flag needs an argument: ${word}`);
      add(option, value);
    }
  }
  return { options: new Options(values), operands };
}
