/** Thrown by the readers, and caught by `readJson` alone: a number that JSON.parse may have rounded is needed exactly. */
export const inexactNumber = new Error('a number beyond 2^53 needs the exact parser');
