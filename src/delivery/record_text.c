#include "delivery/record_text.h"

#include <assert.h>
#include <string.h>

/* Where the text that begins at p ends, NULL where it does not. */
static const char *closing_quote(const char *p, const char *end) {
    while (p < end && *p != '"') {
        p += *p == '\\' ? 2 : 1;
    }
    return p < end ? p : NULL;
}

struct view record_text_find(const struct line *line, const char *name) {
    char member[RECORD_TEXT_NAME_MAX + 4];
    size_t n = strlen(name);
    assert(n <= RECORD_TEXT_NAME_MAX);
    member[0] = '"';
    memcpy(member + 1, name, n);
    memcpy(member + 1 + n, "\":\"", 3);
    const char *found = memmem(line->text, line->length, member, n + 4);
    if (!found) {
        return (struct view){NULL, 0};
    }
    found += n + 4;
    const char *end = closing_quote(found, line->text + line->length);
    return end ? (struct view){(const uint8_t *)found, (size_t)(end - found)} : (struct view){NULL, 0};
}
