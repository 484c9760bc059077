import { DomainError } from '../../base/errors.ts';
import { parseId } from '../../oci/user-text.ts';

/** An entry of passwd(5). */
export interface PasswordEntry {
  readonly uid: number;
  readonly gid: number;
}

/** The lines of a text that begin with `prefix`, without it; one after another, since files may be large. */
function* linesAfter(text: string, prefix: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (text.startsWith(prefix, start)) yield text.slice(start + prefix.length, end);
    start = end + 1;
  }
}

function idOf(text: string | undefined, what: string): number {
  const id = parseId(text ?? '');
  if (id === undefined) throw new DomainError('failed_precondition', `${what}: ${JSON.stringify(text)} is not an id`);
  return id;
}

/**
 * The entry of a user in the text of `/etc/passwd`; the first one counts. Throws for one whose ids are no numbers in range,
 * rather than taking the next (PRV-04).
 */
export function passwordEntryOf(text: string, name: string): PasswordEntry | undefined {
  for (const line of linesAfter(text, `${name}:`)) {
    const fields = line.split(':', 3);
    const what = `entry of ${JSON.stringify(name)} in the container's /etc/passwd`;
    return { uid: idOf(fields[1], what), gid: idOf(fields[2], what) };
  }
  return undefined;
}

/** The id of a group by name in the text of `/etc/group`. */
export function groupIdOf(text: string, name: string): number | undefined {
  for (const line of linesAfter(text, `${name}:`)) {
    return idOf(line.split(':', 2)[1], `entry of ${JSON.stringify(name)} in the container's /etc/group`);
  }
  return undefined;
}

/** The ids of the groups that list the user as a member, ascending, each once. Entries without a proper id are passed over. */
export function groupsOf(text: string, user: string): readonly number[] {
  const ids: number[] = [];
  for (const line of linesAfter(text, '')) {
    // Most lines do not name the user at all.
    if (!line.includes(user)) continue;
    const fields = line.split(':');
    const id = parseId(fields[2] ?? '');
    if (id !== undefined && (fields[3] ?? '').split(',').includes(user)) ids.push(id);
  }
  ids.sort((a, b) => a - b);
  return ids.filter((id, index) => id !== ids[index - 1]);
}
