/** Longer lines are not entries of a password file. */
const maxLineLength = 4096;

/**
 * The home directory of `uid` in the text of a password file (passwd(5)); undefined when no entry has one. Lines that are not
 * entries are skipped; the number must be plain decimal digits.
 */
export function homeOf(text: string, uid: number): string | undefined {
  const wanted = String(uid);
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (end - start <= maxLineLength) {
      const fields = text.slice(start, end).split(':');
      const home = fields[5];
      if (fields.length >= 6 && fields[2] === wanted && home?.startsWith('/') === true && !home.includes('\0'))
        return home;
    }
    start = end + 1;
  }
  return undefined;
}
