import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** The folder that holds the .proto files. */
export const protoDirectory: string = fileURLToPath(new URL('..', import.meta.url));

/** Parses .proto files of this folder with their imports and resolves every type name. */
export function loadProtos(files: readonly string[]): protobuf.Root {
  const root = new protobuf.Root();
  // Imports name files relative to this folder; nothing else is ever read.
  root.resolvePath = (_origin, target) => join(protoDirectory, target);
  root.loadSync([...files], { keepCase: true });
  root.resolveAll();
  return root;
}

/** Everything of one kind below a namespace, depth first in the order of the files. */
export function collect<T extends protobuf.ReflectionObject>(
  namespace: protobuf.NamespaceBase,
  kind: abstract new (...args: never[]) => T,
): T[] {
  const found: T[] = [];
  for (const object of namespace.nestedArray) {
    if (object instanceof kind) found.push(object);
    if (object instanceof protobuf.Namespace) found.push(...collect(object, kind));
  }
  return found;
}

/** Presence and cardinality of a field, in the words of the schema lines and of the recorded table. */
export function labelOf(field: protobuf.Field): 'single' | 'optional' | 'repeated' | 'map' {
  if (field.map) return 'map';
  if (field.repeated) return 'repeated';
  // A synthetic oneof stands for `optional`, a real one of a single member has the same meaning.
  if (field.partOf !== null && !(field.resolvedType instanceof protobuf.Type)) return 'optional';
  return 'single';
}
