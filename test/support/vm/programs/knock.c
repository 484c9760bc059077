/* Connects to a packet socket, says a word there if one is given, and leaves: `knock PATH [WORD]`. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc < 2 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
  strcpy(address.sun_path, argv[1]);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("connect");
    return 1;
  }
  /* Whether it is heard is for the other side. */
  if (argc > 2) send(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL);
  return 0;
}
