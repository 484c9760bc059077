/** Edits (insert, remove, replace, swap neighbours) up to which a word counts as meant. */
const MAX_DISTANCE = 2;

/** ` (did you mean "packages"?)` for the known word that is nearest, else nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= MAX_DISTANCE && distance < candidate.length)
    .sort((left, right) => left.distance - right.distance);
  return ranked[0] === undefined ? '' : `; did you mean ${ranked[0].candidate}?`;
}

/** Optimal string alignment distance. Words longer than 40 characters are only compared for equality. */
function editDistance(left: string, right: string): number {
  if (left.length > 40 || right.length > 40) return left === right ? 0 : Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1])
        best = Math.min(best, (before[column - 2] ?? Number.POSITIVE_INFINITY) + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
