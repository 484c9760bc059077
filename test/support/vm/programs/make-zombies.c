/*
 * make-zombies COUNT: starts children that end at once, and waits for none of them. Prints `ready` when all are there, and stays.
 * Exit status 1 when a child cannot be made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
  for (long i = 0; i < count; i++) {
    pid_t child = fork();
    if (child < 0) {
      perror("fork");
      return 1;
    }
    if (child == 0) _exit(0);
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
