import { BuildError } from '../../build-error.ts';
import { programText } from '../../process/program-output.ts';

/** The first Debian source of the host's own apt configuration. Throws BuildError when it has none. */
export async function hostMirror(signal?: AbortSignal): Promise<string> {
  const format = '$(REPO_URI)';
  const text = await programText(
    'apt-get',
    ['indextargets', '--format', format, 'Origin: Debian', 'Label: Debian', 'Created-By: Packages'],
    { debianPackage: 'apt', ...(signal === undefined ? {} : { signal }) },
  );
  const [mirror = ''] = text.split('\n');
  if (mirror === '')
    throw new BuildError("base.mirror: not given, and this host's apt configuration names no Debian mirror");
  return mirror;
}
