/**
 * The one spelling of a full PCI address such as `0000:3b:00.0`: lower case. Undefined for anything else; an address
 * without its domain is not one.
 */
export function parsePciAddress(text: string): string | undefined {
  return /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/i.test(text) ? text.toLowerCase() : undefined;
}
