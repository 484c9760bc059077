/** The list that our image builder writes: modules to load at boot, dependencies first. */
export const MODULE_LIST_PATH = '/lib/modules/kihon.load';

/** One module to load. */
export interface ModuleRequest {
  /** Absolute path of the decompressed `.ko` file. */
  readonly path: string;
  /** Parameters as finit_module(2) takes them, e.g. `debug=1`. */
  readonly parameters: string;
}

/**
 * Parses the list: one path a line, optionally a blank and parameters; `#` begins a comment line. Lines that are not an
 * absolute path are given back as `bad`.
 */
export function parseModuleList(text: string): { modules: ModuleRequest[]; bad: string[] } {
  const modules: ModuleRequest[] = [];
  const bad: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = line.search(/[ \t]/);
    const path = at === -1 ? line : line.slice(0, at);
    if (path.startsWith('/')) modules.push({ path, parameters: at === -1 ? '' : line.slice(at).trim() });
    else bad.push(line);
  }
  return { modules, bad };
}
