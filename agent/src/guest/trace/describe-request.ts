/** Longest text shown of one field, in characters; the rest of the API's text fields are policies and the like. */
const MAX_TEXT = 128;
/** Longest description. */
const MAX_DESCRIPTION = 1024;

function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > MAX_TEXT ? `<${value.length} characters>` : JSON.stringify(value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      break;
  }
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (Array.isArray(value)) return `[${value.length}]`;
  if (value instanceof Map) return `{${value.size}}`;
  return '{..}';
}

/**
 * The fields of a request on one line: `CreateContainer { container_id: "c1", storages: [2], OCI: {..} }`. Only its own plain fields: what
 * is deeper may be environment, annotations or the contents of files, which leave the guest in no form (design, "Logs").
 */
export function describeRequest(method: string, request: object): string {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(request)) {
    if (value === undefined || value === null || value === '' || value === 0 || value === 0n || value === false)
      continue;
    if (Array.isArray(value) && value.length === 0) continue;
    fields.push(`${name}: ${describeValue(value)}`);
  }
  const text = fields.length === 0 ? method : `${method} { ${fields.join(', ')} }`;
  return text.length > MAX_DESCRIPTION ? `${text.slice(0, MAX_DESCRIPTION)}...` : text;
}
