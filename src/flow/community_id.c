#include "community_id.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { PROTOCOL_TCP = 6, SHA1_SIZE = 20, INPUT_MAX = 2 + 16 + 16 + 2 + 2 + 2 };

struct community_id {
    EVP_MD *sha1;
    EVP_MD_CTX *context;
};

struct community_id *community_id_new(void) {
    struct community_id *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    c->context = EVP_MD_CTX_new();
    if (!c->sha1 || !c->context) {
        community_id_free(c);
        return NULL;
    }
    return c;
}

static size_t address_size(const struct address *a) {
    return a->family == 4 ? 4 : 16;
}

static uint8_t *append(uint8_t *to, const void *from, size_t n) {
    memcpy(to, from, n);
    return to + n;
}

static uint8_t *append_port(uint8_t *to, uint16_t port) {
    *to++ = (uint8_t)(port >> 8);
    *to++ = (uint8_t)port;
    return to;
}

void community_id_write(struct community_id *c, const struct endpoint *a, const struct endpoint *b,
                        char to[COMMUNITY_ID_SIZE]) {
    size_t size = address_size(&a->ip);
    int order = memcmp(a->ip.bytes, b->ip.bytes, size);
    if (order > 0 || (order == 0 && a->port > b->port)) {
        const struct endpoint *swap = a;
        a = b;
        b = swap;
    }
    uint8_t input[INPUT_MAX] = {0, 0}; /* the seed */
    uint8_t *end = append(input + 2, a->ip.bytes, size);
    end = append(end, b->ip.bytes, size);
    *end++ = PROTOCOL_TCP;
    *end++ = 0;
    end = append_port(end, a->port);
    end = append_port(end, b->port);
    uint8_t digest[EVP_MAX_MD_SIZE];
    to[0] = '\0';
    if (EVP_DigestInit_ex2(c->context, c->sha1, NULL) == 1 &&
        EVP_DigestUpdate(c->context, input, (size_t)(end - input)) == 1 &&
        EVP_DigestFinal_ex(c->context, digest, NULL) == 1) {
        memcpy(to, "1:", 2);
        EVP_EncodeBlock((unsigned char *)to + 2, digest, SHA1_SIZE);
    }
}

void community_id_free(struct community_id *c) {
    if (c) {
        EVP_MD_CTX_free(c->context);
        EVP_MD_free(c->sha1);
        free(c);
    }
}
