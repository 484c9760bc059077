/** An entry of `/etc/passwd` (passwd(5)). */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** An entry of `/etc/group` (group(5)). */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Most of an image's file that is looked at, in bytes; the caller reads no more (security case LIV-10). 1 MiB holds some
 * 20,000 accounts.
 */
export const MAX_ACCOUNT_FILE_BYTES = 1 << 20;

/** Longest line that counts; longer ones are passed over. glibc's buffer for one entry is 1 KiB at first. */
const MAX_LINE_LENGTH = 16 << 10;

/** Highest id; the one above means "unchanged" to the kernel. */
const MAX_ID = 0xffff_fffe;

/** An id in plain decimal; undefined for signs, spaces, other bases, overflow (security case PRV-04). */
export function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/** Calls `visit` with the fields of each line until it returns true. Cuts at the size limit, passes over lines with NUL or too long. */
function findLine(text: string, visit: (fields: string[]) => boolean): void {
  const limit = Math.min(text.length, MAX_ACCOUNT_FILE_BYTES);
  for (let start = 0; start < limit;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    // A line that crosses the limit may be half an entry.
    if (end > limit) return;
    if (end - start <= MAX_LINE_LENGTH) {
      const line = text.slice(start, end);
      if (line !== '' && !line.startsWith('#') && !line.includes('\0') && visit(line.split(':'))) return;
    }
    start = end + 1;
  }
}

function passwdEntry(fields: readonly string[]): PasswdEntry | undefined {
  const [name, , uidText = '', gidText = '', , home, shell] = fields;
  const uid = parseId(uidText);
  const gid = parseId(gidText);
  if (name === undefined || name === '' || uid === undefined || gid === undefined || home === undefined)
    return undefined;
  return { name, uid, gid, home, shell: shell ?? '' };
}

function groupEntry(fields: readonly string[]): GroupEntry | undefined {
  const [name, , gidText = '', members = ''] = fields;
  const gid = parseId(gidText);
  if (name === undefined || name === '' || gid === undefined) return undefined;
  return { name, gid, members: members.split(',').filter((member) => member !== '') };
}

/** The first entry for which `matches` holds. Entries that cannot be read are passed over. */
export function findPasswdEntry(text: string, matches: (entry: PasswdEntry) => boolean): PasswdEntry | undefined {
  let found: PasswdEntry | undefined;
  findLine(text, (fields) => {
    const entry = passwdEntry(fields);
    if (entry !== undefined && matches(entry)) found = entry;
    return found !== undefined;
  });
  return found;
}

/** The first entry for which `matches` holds. */
export function findGroupEntry(text: string, matches: (entry: GroupEntry) => boolean): GroupEntry | undefined {
  let found: GroupEntry | undefined;
  findLine(text, (fields) => {
    const entry = groupEntry(fields);
    if (entry !== undefined && matches(entry)) found = entry;
    return found !== undefined;
  });
  return found;
}

/** Groups that list `member`, at most `limit` of them (the kernel takes 65,536). */
export function groupsOfMember(text: string, member: string, limit = 65_536): number[] {
  const ids: number[] = [];
  findLine(text, (fields) => {
    const entry = groupEntry(fields);
    if (entry !== undefined && entry.members.includes(member)) ids.push(entry.gid);
    return ids.length >= limit;
  });
  return ids;
}
