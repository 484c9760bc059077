/**
 * Names of functions and macros in preprocessed headers (`gcc -E -dD`) that have `mark` in their code, or that use one which
 * has. A name that is used in a top-level declaration together with one of them counts as well: too many are found rather than
 * too few.
 */
export function taintedNames(preprocessed: string, mark: string): ReadonlySet<string> {
  const found = new Set<string>();
  if (!preprocessed.includes(mark)) return found;
  const pieces = topLevelPieces(preprocessed, mark);
  /** Which pieces use a word. */
  const users = new Map<string, Piece[]>();
  for (const piece of pieces) {
    for (const word of piece.words) {
      const list = users.get(word);
      if (list) list.push(piece);
      else users.set(word, [piece]);
    }
  }
  const pending = [mark];
  for (let word = pending.pop(); word !== undefined; word = pending.pop()) {
    for (const { name } of users.get(word) ?? []) {
      if (name === undefined || found.has(name)) continue;
      found.add(name);
      pending.push(name);
    }
  }
  return found;
}

/** Words before a bracket that name no function. */
const KEYWORDS: ReadonlySet<string> = new Set(['__typeof__', 'typeof', '__alignof__', 'sizeof', 'void', 'int']);

interface Piece {
  /** What it defines: a macro, or a function with a body. */
  readonly name: string | undefined;
  readonly words: ReadonlySet<string>;
}

function topLevelPieces(text: string, mark: string): Piece[] {
  const pieces: Piece[] = [];
  let code = '';
  let depth = 0;
  const wordsOf = (piece: string): Set<string> =>
    new Set(piece.replace(/"(?:\\.|[^"\\\n])*"/g, ' ').match(/[A-Za-z_]\w*/g));
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) {
      const [, name, body] = /^#define (\w+)(.*)$/.exec(line) ?? [];
      // The macro with the mark is what marks: whoever has its name, uses it when he is used himself.
      if (name !== undefined && body !== undefined && !body.includes(mark)) pieces.push({ name, words: wordsOf(body) });
      continue;
    }
    code += `${line}\n`;
    const bare = line.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, '');
    for (const character of bare) {
      if (character === '{') depth++;
      else if (character === '}') depth--;
    }
    if (depth > 0 || !/[;}]\s*$/.test(bare)) continue;
    if (code.includes('{')) {
      const words = wordsOf(code);
      // The name of a function is the last word before a bracket that is not an attribute's, before its body.
      const head = code.slice(0, code.indexOf('{')).replace(/__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)/g, ' ');
      const name = [...head.matchAll(/([A-Za-z_]\w*)\s*\(/g)]
        .map((match) => match[1])
        .find((word) => !KEYWORDS.has(word ?? ''));
      pieces.push({ name, words });
    }
    code = '';
    depth = 0;
  }
  return pieces;
}
