import { DaemonSet } from 'kubernetes-models/apps/v1';
import { RuntimeClass } from 'kubernetes-models/node.k8s.io/v1';
import { ClusterRole, ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { ConfigMap, Namespace, ServiceAccount } from 'kubernetes-models/v1';

/** Models with the schemas of the Kubernetes API; `validate` throws naming the field. */
const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  DaemonSet,
  RuntimeClass,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  Namespace,
  ServiceAccount,
};

export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Notes which fields of an object are asked for; `unread` are paths of the others. */
function watched(value: object, path: string, unread: Map<string, () => string[]>): object {
  const read = new Set<PropertyKey>();
  const children = new Map<PropertyKey, object>();
  let isMap = Array.isArray(value);
  unread.set(path, () => (isMap ? [] : Object.keys(value).filter((key) => !read.has(key))));
  return new Proxy(value, {
    get(target, key, receiver) {
      read.add(key);
      const child: unknown = Reflect.get(target, key, receiver);
      if (typeof child !== 'object' || child === null || !Object.hasOwn(target, key)) return child;
      const known = children.get(key) ?? watched(child, `${path}/${String(key)}`, unread);
      children.set(key, known);
      return known;
    },
    // Who asks for all names takes any.
    ownKeys(target) {
      isMap = true;
      return Reflect.ownKeys(target);
    },
  });
}

/**
 * Validates an object against the schema of its kind. A schema passes over fields that it does not know, the API server does not keep them:
 * so a field that the validation never asked for is refused as well. Throws Error naming the field.
 */
export function validateKubernetes(object: KubernetesObject): void {
  const Model = models[object.kind];
  if (Model === undefined) throw new Error(`no schema for ${object.kind}`);
  new Model(object as never).validate();
  const unread = new Map<string, () => string[]>();
  (Model.prototype as { validate(): void }).validate.call(watched(object, '', unread));
  const unknown = [...unread].flatMap(([path, keys]) => keys().map((key) => `${path}/${key}`));
  if (unknown.length > 0)
    throw new Error(`${object.kind} ${object.metadata.name}: unknown fields ${unknown.join(', ')}`);
}
