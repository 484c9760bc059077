/** Calls `onCycle` with a node that can be reached from itself. Without recursion: a policy may chain any number of rules. */
export function checkRecursion<Node>(edges: ReadonlyMap<Node, ReadonlySet<Node>>, onCycle: (node: Node) => void): void {
  const finished = new Set<Node>();
  const open = new Set<Node>();
  for (const start of edges.keys()) {
    if (finished.has(start)) continue;
    const stack = [{ node: start, rest: iterate(edges, start) }];
    open.add(start);
    for (let top = stack[stack.length - 1]; top !== undefined; top = stack[stack.length - 1]) {
      const { value: next, done } = top.rest.next();
      if (done === true) {
        open.delete(top.node);
        finished.add(top.node);
        stack.pop();
      } else if (open.has(next)) {
        onCycle(next);
        return;
      } else if (!finished.has(next)) {
        open.add(next);
        stack.push({ node: next, rest: iterate(edges, next) });
      }
    }
  }
}

function iterate<Node>(edges: ReadonlyMap<Node, ReadonlySet<Node>>, node: Node): Iterator<Node, undefined> {
  return (edges.get(node) ?? new Set<Node>()).values();
}
