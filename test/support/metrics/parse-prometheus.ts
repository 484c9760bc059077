/** A family of metrics as a monitor reads it. Samples by their labels, written `{a="x",b="y"}` with names in order, or ''. */
export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: Map<string, { readonly labels: ReadonlyMap<string, string>; readonly value: number }>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/;
/** As the contract wants it: plain decimal. */
const VALUE = /^-?\d+(\.\d+)?$/;

/**
 * Reads the text format of Prometheus (0.0.4), strictly: each family once, with HELP and TYPE before its samples, no sample twice,
 * nothing that the format does not know, and what Kata's contract adds: sorted, no timestamps, no exponents. Throws with the line.
 */
export function parsePrometheus(text: string): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily>();
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const lines = text.split('\n').slice(0, -1);
  let current = '';
  let help: { name: string; text: string } | undefined;
  for (const line of lines) {
    const wrong = (why: string): Error => new Error(`${why}: ${JSON.stringify(line)}`);
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta !== null) {
      const [, keyword, name = '', rest = ''] = meta;
      if (NAME.exec(name)?.[0] !== name) throw wrong('not a name');
      if (keyword === 'HELP') {
        help = { name, text: rest };
        continue;
      }
      if (help?.name !== name) throw wrong('TYPE without HELP');
      if (!['counter', 'gauge'].includes(rest)) throw wrong('unknown type');
      if (families.has(name)) throw wrong('a family comes twice');
      if (name < current) throw wrong('families are not sorted');
      families.set(name, { type: rest, help: help.text, samples: new Map() });
      current = name;
      continue;
    }
    const name = NAME.exec(line)?.[0];
    const family = families.get(current);
    if (name !== current || family === undefined) throw wrong('a sample outside of its family');
    addSample(family, line.slice(name.length), wrong);
  }
  for (const [name, { samples }] of families) if (samples.size === 0) throw new Error(`${name} has no samples`);
  return families;
}

function addSample(family: ParsedFamily, line: string, wrong: (why: string) => Error): void {
  const labels = new Map<string, string>();
  let rest = line;
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const match = LABEL.exec(rest);
      if (match === null) throw wrong('not a label');
      const [all, name = '', value = ''] = match;
      if ([...labels.keys()].some((earlier) => earlier >= name)) throw wrong('labels are not sorted');
      labels.set(
        name,
        value.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter)),
      );
      rest = rest.slice(all.length);
      if (rest.startsWith('}')) break;
      if (!rest.startsWith(',')) throw wrong('no comma between labels');
      rest = rest.slice(1);
    }
    rest = rest.slice(1);
  }
  if (!rest.startsWith(' ') || !VALUE.test(rest.slice(1))) throw wrong('not a plain number');
  const key = labels.size === 0 ? '' : `{${[...labels].map(([name, value]) => `${name}="${value}"`).join(',')}}`;
  if (family.samples.has(key)) throw wrong('a sample comes twice');
  family.samples.set(key, { labels, value: Number(rest.slice(1)) });
}
