/** Longest list accepted, in characters: the kernel reads such lists from one page. */
const maxLength = 4095;
const form = /^[0-9]{1,9}(-[0-9]{1,9})?(,[0-9]{1,9}(-[0-9]{1,9})?)*$/;

/** A list of CPUs or memory nodes such as `0-3,7` (cpuset(7), "List format"), with every range in ascending order. */
export function isNumberList(text: string): boolean {
  if (text.length > maxLength || !form.test(text)) return false;
  return text.split(',').every((part) => {
    const dash = part.indexOf('-');
    return dash === -1 || Number(part.slice(0, dash)) <= Number(part.slice(dash + 1));
  });
}
