/** `key=value` when splitting on `=` gives exactly two parts (contract storage 4.5), else undefined. */
export function splitKeyValue(option: string): { key: string; value: string } | undefined {
  const parts = option.split('=');
  const [key, value] = parts;
  return parts.length === 2 && key !== undefined && value !== undefined ? { key, value } : undefined;
}
