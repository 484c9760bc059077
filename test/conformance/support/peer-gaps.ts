/**
 * Promises that a peer on the test machine does not keep, by the title of the test, with the reason. Such a test is skipped for that
 * peer only; it is never skipped for our own runtime.
 */
export const peerGaps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  runc: {
    'delete of a created container is an error and does not touch it':
      'runc kills and deletes a created container, which its callers rely on',
  },
  crun: {},
};
