import { invalidArgument } from '../base/errors.ts';

/**
 * Refuses a NUL byte in any string below `value`, naming the field: the kernel would see a shorter string than our checks
 * did (ENG-01). Walks plain objects, arrays and maps, keys included; the caller bounds the depth by building the value.
 */
export function assertNoNul(value: unknown, field: string): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw invalidArgument(field, 'contains a NUL byte');
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => assertNoNul(item, `${field}[${index}]`));
  } else if (value instanceof Map) {
    for (const [key, item] of value as Map<unknown, unknown>) {
      assertNoNul(key, `${field} key`);
      assertNoNul(item, `${field}[${JSON.stringify(key)}]`);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) assertNoNul((value as Record<string, unknown>)[key], `${field}.${key}`);
  }
}
