/* Names as records have them: share, file_path, local_path, stream, extension (records.md). UTF-16 texts throughout. */
#include "event/maker.h"

#include <string.h>

#include "base/utf16.h"

struct text *maker_texts(struct event_maker *m, unsigned count) {
    if (count > MAKER_TEXTS - m->text_count) {
        return NULL;
    }
    struct text *t = &m->texts[m->text_count];
    m->text_count += count;
    return t;
}

static struct text literal(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

static uint16_t unit(struct view v, size_t i) {
    return (uint16_t)(v.p[i] | v.p[i + 1] << 8);
}

static struct text share_of(const struct tree_facts *t) {
    size_t at = t->share_at != 0 ? t->share_at : utf16_behind_last(t->path.bytes, '\\');
    return text_utf16(view_from(t->path.bytes, at));
}

void maker_share(struct event_maker *m, const struct tree_facts *t) {
    struct event *e = &m->event;
    event_text(e, FIELD_SHARE, share_of(t));
    event_text(e, FIELD_SHARE_PATH, t->path);
    if (t->share_type) {
        event_named(e, FIELD_SHARE_TYPE, t->share_type, &names_share_type, 2);
    }
}

static bool is_letter(uint16_t u, char upper) {
    return u == (uint16_t)upper || u == (uint16_t)(upper + 'a' - 'A');
}

static bool is_word(struct view v, const char *upper) {
    size_t n = strlen(upper);
    for (size_t i = 0; i < n; i++) {
        if (v.n != n * 2 ||
            !(upper[i] >= 'A' ? is_letter(unit(v, i * 2), upper[i]) : unit(v, i * 2) == (uint16_t)upper[i])) {
            return false;
        }
    }
    return true;
}

/* Where an administrative share leads on the server: C$ to C:\, ADMIN$ to C:\Windows\. A guess, and named as such. The drive is in
 * capitals whatever the client wrote: it is to be joined with what that machine says of itself. */
static void local_path(struct event_maker *m, struct view share, struct text name) {
    uint16_t letter = share.n == 4 && unit(share, 2) == '$' ? unit(share, 0) : 0;
    bool drive = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
    struct text *parts = drive || is_word(share, "ADMIN$") ? maker_texts(m, 2) : NULL;
    if (!parts) {
        return;
    }
    m->drive[0] = (uint8_t)(letter & ~0x20);
    m->drive[1] = ':';
    m->drive[2] = '\\';
    parts[0] = drive ? (struct text){{m->drive, sizeof m->drive}, ENC_ASCII} : literal("C:\\Windows\\");
    parts[1] = name;
    event_joined(&m->event, FIELD_LOCAL_PATH, parts, 2);
}

/* name:stream:type of MS-FSCC 2.1.5.3, what is behind the first colon; the unnamed stream is no news. */
static void stream(struct event_maker *m, struct view rest) {
    event_text(&m->event, FIELD_STREAM, text_utf16(view_part(rest, 0, utf16_first(rest, ':'))));
}

static void extension(struct event_maker *m, struct view file) {
    size_t at = utf16_behind_last(file, '.');
    struct view found = view_from(file, at);
    if (at <= 2 || found.n == 0 || found.n > sizeof m->extension) {
        return; /* none, or a name that begins with its only dot, or too long to be one */
    }
    _Static_assert(sizeof m->extension % 8 == 0, "for utf16_lower");
    utf16_lower(found, m->extension);
    event_text(&m->event, FIELD_EXTENSION, text_utf16((struct view){m->extension, found.n}));
}

static uint16_t upper(uint16_t u) {
    return u >= 'a' && u <= 'z' ? (uint16_t)(u - 'a' + 'A') : u;
}

/* Does a name begin with host and share, as the name of a DFS operation does? path has two backslashes in front. */
static bool has_share_in_front(struct view path, struct view name) {
    enum { BACKSLASHES = 4 };
    size_t n = path.n - BACKSLASHES;
    if (path.n <= BACKSLASHES || name.n < n || (name.n > n && unit(name, n) != '\\')) {
        return false;
    }
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (upper(unit(path, BACKSLASHES + i)) != upper(unit(name, i))) {
            return false;
        }
    }
    return true;
}

void maker_file(struct event_maker *m, const struct tree_facts *t, struct text name, bool directory) {
    struct event *e = &m->event;
    event_text(e, FIELD_FILE_NAME, name.bytes.n ? name : literal("\\"));
    struct text *parts = t && t->path.bytes.n ? maker_texts(m, 3) : NULL;
    if (parts) {
        bool again = m->dfs && has_share_in_front(t->path.bytes, name.bytes);
        parts[0] = again ? literal("\\") : t->path;
        parts[1] = literal("\\");
        parts[2] = name;
        event_joined(e, FIELD_FILE_PATH, parts, 3);
        local_path(m, share_of(t).bytes, name);
    }
    struct view component = view_from(name.bytes, utf16_behind_last(name.bytes, '\\'));
    component.n &= ~(size_t)1;
    if (t && t->share_type == SMB2_SHARE_TYPE_PIPE) {
        event_text(e, FIELD_PIPE_NAME, name);
        return;
    }
    size_t colon = utf16_first(component, ':');
    if (colon < component.n) {
        stream(m, view_from(component, colon + 2));
    }
    if (!directory) {
        extension(m, view_part(component, 0, colon));
    }
}
