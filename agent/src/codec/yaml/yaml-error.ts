/** Text that is not YAML, or more of YAML than is read here. The message names line and column. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}
