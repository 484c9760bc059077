import { stringify } from 'yaml';

/** Several documents in one file, as `kubectl apply -f` reads them. */
export function yamlDocuments(comment: string, documents: readonly object[]): string {
  const head = comment
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('');
  return head + documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
}
