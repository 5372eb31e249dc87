/* SPDX-License-Identifier: BSD-2-Clause */
/* Where OpenSSL's functions are not found (see httpssl.h) nothing is said in TLS. The key below
 * proves nothing to anybody: it is known to all, and no one trusts it. */
#include "http/peer.h"
#include "http/ssl.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 204 No Content\r\nServer: none\r\n\r\n";

enum { ANSWER_LENGTH = sizeof answer - 1, EC_KEY = 408 }; /* EVP_PKEY_EC */

static const char certificate[] =
    "\x30\x82\x01\x42\x30\x81\xe9\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x0a\x06\x08\x2a\x86\x48\xce"
    "\x3d\x04\x03\x02\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09\x72\x65\x68\x65\x61\x72"
    "\x73\x61\x6c\x30\x1e\x17\x0d\x32\x36\x31\x31\x32\x31\x31\x36\x33\x33\x35\x30\x5a\x17\x0d\x32"
    "\x36\x31\x31\x32\x32\x31\x36\x33\x33\x35\x30\x5a\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03"
    "\x0c\x09\x72\x65\x68\x65\x61\x72\x73\x61\x6c\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02"
    "\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04\x73\xef\x12\xe6\x11\x17\xa7\x1b"
    "\x3c\x5e\xa7\x71\x8b\xf9\x07\xba\xde\xbe\x36\x04\xcc\xb8\x24\x79\xa4\x9f\x20\x10\x45\x63\x6c"
    "\xe0\xab\xaf\x3c\xf3\x15\x3f\x02\x76\x4d\x84\xc9\x59\x7a\x16\x16\x2a\x0b\x6d\x58\x1e\x26\xa3"
    "\x33\x30\x4c\x4b\x60\xcc\xf5\x09\x2f\x5d\xa3\x2c\x30\x2a\x30\x09\x06\x03\x55\x1d\x13\x04\x02"
    "\x30\x00\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14\x29\x70\x47\xd9\x93\x77\x8d\x1a\x2d\x3a"
    "\x63\x95\xdf\xa0\x8d\x31\x7b\xb8\x3f\x7c\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x03"
    "\x48\x00\x30\x45\x02\x20\x60\x74\x6e\x6b\x19\xd5\xcb\x2a\x6f\x01\xce\x64\xa9\xc4\x03\x07\x49"
    "\xd7\x52\xdc\x26\xd1\xac\xe3\x6a\xbb\xf8\x45\x0a\xc8\xb4\x99\x02\x21\x00\xbb\x02\x1a\x63\x62"
    "\xf1\x11\x18\x6a\x73\xe1\xce\x06\x5f\x94\xc0\x7a\x8a\x23\x2e\x6c\xc9\x56\x58\xfa\xa5\x68\xdd"
    "\x40\xeb\xd7\x3d";

static const char key[] =
    "\x30\x77\x02\x01\x01\x04\x20\x5e\xec\x29\xee\x9e\x2a\x0c\x50\xa3\x8c\xd8\x7e\xe2\x9f\x4b\x80"
    "\xc5\x23\x6a\x4c\xbb\x75\xce\x1c\x1e\xba\x32\xc6\x77\x75\x56\x5c\xa0\x0a\x06\x08\x2a\x86\x48"
    "\xce\x3d\x03\x01\x07\xa1\x44\x03\x42\x00\x04\x73\xef\x12\xe6\x11\x17\xa7\x1b\x3c\x5e\xa7\x71"
    "\x8b\xf9\x07\xba\xde\xbe\x36\x04\xcc\xb8\x24\x79\xa4\x9f\x20\x10\x45\x63\x6c\xe0\xab\xaf\x3c"
    "\xf3\x15\x3f\x02\x76\x4d\x84\xc9\x59\x7a\x16\x16\x2a\x0b\x6d\x58\x1e\x26\xa3\x33\x30\x4c\x4b"
    "\x60\xcc\xf5\x09\x2f\x5d";

struct openssl {
    const void *(*method)(void);
    void *(*ctx_new)(const void *);
    void (*ctx_free)(void *);
    int (*use_certificate)(void *, int, const char *);
    int (*use_key)(int, void *, const char *, long);
    void *(*ssl_new)(void *);
    void (*ssl_free)(void *);
    int (*set_fd)(void *, int);
    int (*accept)(void *);
    int (*read)(void *, void *, int);
    int (*write)(void *, const void *, int);
};

static const struct httpssl_function functions[] = {
    { "SSL_CTX_new", offsetof(struct openssl, ctx_new) }, /* libcurl's, too: shows the place */
    { "TLS_server_method", offsetof(struct openssl, method) },
    { "SSL_CTX_free", offsetof(struct openssl, ctx_free) },
    { "SSL_CTX_use_certificate_ASN1", offsetof(struct openssl, use_certificate) },
    { "SSL_CTX_use_PrivateKey_ASN1", offsetof(struct openssl, use_key) },
    { "SSL_new", offsetof(struct openssl, ssl_new) },
    { "SSL_free", offsetof(struct openssl, ssl_free) },
    { "SSL_set_fd", offsetof(struct openssl, set_fd) },
    { "SSL_accept", offsetof(struct openssl, accept) },
    { "SSL_read", offsetof(struct openssl, read) },
    { "SSL_write", offsetof(struct openssl, write) },
};

struct httppeer {
    int listening, fd; /* -1: not open */
    char name[HTTPPEER_NAME];
    bool shaken, answered;
    struct openssl o;
    void *context, *ssl; /* NULL: none */
};

static bool begin_tls(struct httppeer *p)
{
    const struct openssl *o = &p->o;

    if (!httpssl_find(functions, sizeof functions / sizeof *functions, &p->o))
        return false;
    p->context = o->ctx_new(o->method());
    if (p->context == NULL ||
        o->use_certificate(p->context, (int)sizeof certificate - 1, certificate) != 1 ||
        o->use_key(EC_KEY, p->context, key, (long)sizeof key - 1) != 1)
        return false;
    p->ssl = o->ssl_new(p->context);
    return p->ssl != NULL;
}

/* The kernel chooses an abstract name that is free: a zero byte and a few digits. */
static bool listen_somewhere(struct httppeer *p)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const socklen_t before = offsetof(struct sockaddr_un, sun_path) + 1;
    socklen_t length = sizeof at;

    p->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->listening < 0 || bind(p->listening, (struct sockaddr *)&at, sizeof at.sun_family) < 0 ||
        listen(p->listening, 1) < 0 ||
        getsockname(p->listening, (struct sockaddr *)&at, &length) < 0 || length <= before ||
        length - before >= sizeof p->name)
        return false;
    memcpy(p->name, at.sun_path + 1, length - before);
    return true;
}

struct httppeer *httppeer_open(bool tls)
{
    struct httppeer *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    p->listening = p->fd = -1;
    if (!listen_somewhere(p) || (tls && !begin_tls(p))) {
        httppeer_close(p);
        p = NULL;
    }
    return p;
}

const char *httppeer_name(const struct httppeer *p)
{
    return p->name;
}

/* Others could connect, but what for. */
static bool is_ready(struct httppeer *p)
{
    if (p->fd >= 0)
        return true;
    p->fd = accept4(p->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return p->fd >= 0 && (p->ssl == NULL || p->o.set_fd(p->ssl, p->fd) == 1);
}

static bool has_shaken_hands(struct httppeer *p)
{
    if (!p->shaken && is_ready(p))
        p->shaken = p->ssl == NULL || p->o.accept(p->ssl) == 1;
    return p->shaken;
}

static bool was_asked(const struct httppeer *p)
{
    char asked[1024];

    return (p->ssl != NULL ? p->o.read(p->ssl, asked, sizeof asked)
                           : recv(p->fd, asked, sizeof asked, 0)) > 0;
}

static bool say(const struct httppeer *p)
{
    return (p->ssl != NULL ? p->o.write(p->ssl, answer, ANSWER_LENGTH)
                           : send(p->fd, answer, ANSWER_LENGTH, MSG_NOSIGNAL)) > 0;
}

void httppeer_step(struct httppeer *p)
{
    if (!p->answered && has_shaken_hands(p) && was_asked(p))
        p->answered = say(p);
}

void httppeer_close(struct httppeer *p)
{
    if (p == NULL)
        return;
    if (p->ssl != NULL)
        p->o.ssl_free(p->ssl);
    if (p->context != NULL)
        p->o.ctx_free(p->context);
    if (p->fd >= 0)
        close(p->fd);
    if (p->listening >= 0)
        close(p->listening);
    free(p);
}
