import { invalidArgument } from '../base/errors.ts';

/** Ids become cgroup and directory names, which have at most 255 bytes. */
const MAX_ID_BYTES = 255;

function isIdCharacter(code: number, isFirst: boolean): boolean {
  const isAlphanumeric =
    (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isAlphanumeric || (!isFirst && (code === 0x5f || code === 0x2e || code === 0x2d));
}

/** ASCII letters and digits, then also `_ . -` (lifecycle 4.1, step 2; API-01). Scanned by hand: no pattern can blow up. */
function checkId(field: string, id: string, minimum: number): void {
  if (id.length < minimum) throw invalidArgument(field, `at least ${minimum} characters are expected`);
  if (id.length > MAX_ID_BYTES) throw invalidArgument(field, `at most ${MAX_ID_BYTES} characters are allowed`);
  for (let index = 0; index < id.length; index++)
    if (!isIdCharacter(id.charCodeAt(index), index === 0))
      throw invalidArgument(field, 'a letter or digit, then letters, digits, `_`, `.` and `-` are expected');
}

/** Throws `invalid_argument` unless `id` may name a container. */
export function checkContainerId(id: string, field = 'container_id'): void {
  checkId(field, id, 2);
}

/** Throws `invalid_argument` unless `id` may name an exec. */
export function checkExecId(id: string): void {
  checkId('exec_id', id, 1);
}
