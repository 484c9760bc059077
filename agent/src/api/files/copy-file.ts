import type { AgentHandler } from '../handler.ts';

/** CopyFile (contract storage, section 10): puts a file, directory or symbolic link into the share. */
export const copyFile: AgentHandler<'CopyFile'> = async (context, request) => {
  const files = await context.guest.files();
  await files.copy({
    path: request.path,
    fileSize: request.file_size,
    fileMode: request.file_mode,
    directoryMode: request.dir_mode,
    uid: request.uid,
    gid: request.gid,
    offset: request.offset,
    data: request.data,
  });
  return {};
};
