/*
 * Exchanges two names of a folder again and again, so that whoever resolves a path through them in two steps meets one thing
 * first and another one later. Usage: swap-names FOLDER NAME NAME COUNT. Ends after COUNT exchanges or when killed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int folder = open(argv[1], O_RDONLY | O_DIRECTORY);
  if (folder < 0) return 3;
  long count = atol(argv[4]);
  puts("swapping");
  fflush(stdout);
  for (long i = 0; i < count; i++)
    if (syscall(SYS_renameat2, folder, argv[2], folder, argv[3], RENAME_EXCHANGE) != 0) return 4;
  return 0;
}
