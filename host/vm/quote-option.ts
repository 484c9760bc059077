/** QEMU's option parser ends a value at a comma; a doubled comma stands for one. */
export function quoteOptionValue(value: string): string {
  return value.replaceAll(',', ',,');
}
