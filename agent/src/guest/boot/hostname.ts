/** HOST_NAME_MAX of limits.h. */
const MAX_LENGTH = 64;

/** The guest's name from the text of `/etc/hostname`: up to the first blank, trimmed; `localhost` when there is none. */
export function hostnameFrom(text: string | undefined): string {
  const name = (text ?? '').split(' ')[0]?.trim() ?? '';
  return name === '' ? 'localhost' : name.slice(0, MAX_LENGTH);
}
