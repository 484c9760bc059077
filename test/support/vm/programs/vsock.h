/* SPDX-License-Identifier: Apache-2.0 */
/* vsock(7), as far as the test programs need it: musl's compiler wrapper does not see the kernel's headers. */
#ifndef VSOCK_H
#define VSOCK_H

#include <stdint.h>
#include <sys/socket.h>

#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif
#define VSOCK_CID_ANY 0xffffffffU
#define VSOCK_CONNECT_TIMEOUT 6

/* struct sockaddr_vm */
struct vsock_address {
    uint16_t family;
    uint16_t reserved;
    uint32_t port;
    uint32_t cid;
    uint8_t flags;
    uint8_t zero[3];
};

#endif
