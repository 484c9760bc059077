/** What a unit is worth, in the unit that the caller counts in. */
export type DurationUnits = Readonly<Record<string, number>>;

/**
 * A time such as `150ms`: a whole number of at most `mostDigits` digits and one of `units`, without a sign or white space. Undefined
 * for anything else; zero is for the caller to judge.
 */
export function parseDuration(text: string, units: DurationUnits, mostDigits: number): number | undefined {
  const [, digits = '', name = ''] = /^([0-9]+)([a-z]+)$/.exec(text) ?? [];
  const unit = Object.hasOwn(units, name) ? units[name] : undefined;
  return unit === undefined || digits.length > mostDigits ? undefined : Number(digits) * unit;
}
