/* SPDX-License-Identifier: BSD-2-Clause */
/* Both ends are moved on in turns, in one thread. */
#include "http/warm.h"
#include "http/peer.h"

#include <sys/socket.h>

enum { TURNS_MOST = 50 };

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)context;
    (void)purpose;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t drop(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

/* Nobody vouches for the other end's certificate. */
static void redirect(CURL *easy, const struct httppeer *peer)
{
    curl_easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, httppeer_name(peer));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, NULL);
}

/* A turn leaves something to read to the other end, or all is over. */
static bool perform(CURLM *multi, CURL *easy, struct httppeer *peer)
{
    long status = 0;
    int running = 1;

    if (curl_multi_add_handle(multi, easy) != CURLM_OK)
        return false;
    for (int i = 0; i < TURNS_MOST && running > 0; i++) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        httppeer_step(peer);
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, easy);
    return status == HTTPPEER_STATUS;
}

bool httpwarm_run(CURLM *multi, CURL *easy, bool tls)
{
    struct httppeer *peer = httppeer_open(tls);
    CURL *copy = peer != NULL ? curl_easy_duphandle(easy) : NULL;
    bool done = false;

    if (copy != NULL) {
        redirect(copy, peer);
        done = perform(multi, copy, peer);
    }
    curl_easy_cleanup(copy);
    httppeer_close(peer);
    return done;
}
