#include "content.h"

#include "base/digits.h"
#include "operation.h"

/* A sentence on its way: where it goes, what it is about, and what happened to the texts in it. */
struct sentence {
    struct fact_writer *w;
    const struct fact_index *facts;
    unsigned flags;
};

#define say(s, words) json_literal(&(s)->w->json, words)

/* n bytes that stand for themselves: names are short. */
static inline void say_ascii(struct sentence *s, const char *name, size_t n) {
    if (n <= JSON_SLACK) {
        json_wrote(&s->w->json, digits_copy(json_end(&s->w->json), name, n));
    } else {
        json_raw(&s->w->json, name, n);
    }
}

static void say_name(struct sentence *s, const char *name) {
    say_ascii(s, name, strlen(name));
}

static const struct fact *find(const struct sentence *s, enum field field) {
    return fact_find(s->facts, field);
}

static bool is_true(const struct sentence *s, enum field field) {
    const struct fact *f = find(s, field);
    return f != NULL && f->form == FACT_BOOL && f->number != 0;
}

static bool is_false(const struct sentence *s, enum field field) {
    const struct fact *f = find(s, field);
    return f != NULL && f->form == FACT_BOOL && f->number == 0;
}

static bool is_operation(const struct sentence *s, enum operation_kind kind) {
    return s->facts->event->operation == kind;
}

static void say_texts(struct sentence *s, const struct text *parts, size_t count, enum json_cut cut) {
    s->flags |= s->w->limits->whole ? json_whole(&s->w->json, &s->w->texts, parts, count)
                                    : json_joined(&s->w->json, parts, count, s->w->limits->content, cut);
}

/* A list's items, or a mask's names. */
static void say_bits(struct sentence *s, const struct fact *f) {
    bool first = true;
    for (size_t i = 0; f->table != NULL && i < f->table->count; i++) {
        const struct name_row *row = &f->table->rows[i];
        if (row->value == 0 || (f->number & row->value) != row->value) {
            continue;
        }
        if (!first) {
            say(s, "|");
        }
        first = false;
        say_name(s, row->name);
    }
}

/* Whatever the fact is, in words. */
static void say_fact(struct sentence *s, const struct fact *f, enum json_cut cut) {
    const struct name_row *row = f->form == FACT_NAMED ? fact_row(f) : NULL;
    if (row != NULL) {
        say_ascii(s, row->name, row->length);
    } else if (f->form == FACT_NAME) {
        say_name(s, f->name);
    } else if (f->form == FACT_NAMED || f->form == FACT_HEX) {
        say(s, "0x");
        json_hex(&s->w->json, f->number, f->digits ? f->digits : 8);
    } else if (f->form == FACT_UINT) {
        json_uint(&s->w->json, f->number);
    } else if (f->form == FACT_TEXT) {
        say_texts(s, &f->text, 1, cut);
    } else if (f->form == FACT_JOINED) {
        say_texts(s, f->joined, f->parts, cut);
    } else if (f->form == FACT_BITS) {
        say_bits(s, f);
    }
}

#define say_with(s, before, field, after, cut)    \
    do {                                          \
        const struct fact *said = find(s, field); \
        if (said != NULL) {                       \
            say(s, before);                       \
            say_fact(s, said, cut);               \
            say(s, after);                        \
        }                                         \
    } while (0)

/* "SMB2_CREATE" is said as "SMB2 CREATE". */
static void say_command(struct sentence *s) {
    const struct fact *f = find(s, FIELD_COMMAND);
    const struct name_row *row = f != NULL && f->form == FACT_NAMED ? fact_row(f) : NULL;
    const char *subcommand = fact_name(find(s, FIELD_SUBCOMMAND)), *name = row != NULL ? row->name : fact_name(f);
    if (subcommand != NULL) {
        say(s, "SMB1 ");
        say_name(s, subcommand);
    } else if (name != NULL && strncmp(name, "SMB", 3) == 0 && name[3] != '\0' && name[4] == '_') {
        char *begin = json_end(&s->w->json);
        say_ascii(s, name, row != NULL ? row->length : strlen(name));
        begin[4] = ' '; /* what a writer that is full may scribble over, too */
    } else if (f != NULL) {
        say(s, "SMB command ");
        say_fact(s, f, JSON_CUT_END);
    } else if (is_operation(s, OPERATION_SESSION_SETUP)) {
        say(s, "SMB session setup without its end"); /* legs of it were seen, and no last one */
    } else {
        say(s, "SMB end of handle"); /* it has no message of its own: its session, tree or connection ended */
    }
}

/* What it was done to: the most telling of the names there are. */
static void say_object(struct sentence *s) {
    static const enum field paths[] = {FIELD_FILE_PATH, FIELD_FILE_NAME, FIELD_PIPE_NAME, FIELD_SHARE_PATH};
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct fact *f = find(s, paths[i]);
        if (f != NULL) {
            say(s, " ");
            say_fact(s, f, JSON_CUT_FRONT);
            return;
        }
    }
    const struct fact *user = find(s, FIELD_USER);
    if (user == NULL) {
        user = find(s, FIELD_USER_NAME);
    }
    if (user == NULL && is_operation(s, OPERATION_NEGOTIATE)) {
        user = find(s, FIELD_DIALECT);
    }
    if (user != NULL) {
        say(s, " ");
        say_fact(s, user, JSON_CUT_END);
    }
}

/* What exactly was asked, where the command alone does not say it. */
static void say_class(struct sentence *s) {
    bool plain = find(s, FIELD_RENAME_TO) || find(s, FIELD_LINK_TO) || find(s, FIELD_DELETE_ON_CLOSE);
    if (!plain) {
        say_with(s, " ", FIELD_INFO_CLASS, "", JSON_CUT_END);
    }
    say_with(s, " ", FIELD_CONTROL_CODE, "", JSON_CUT_END);
}

/* The server said no: an NT status that is an error, or a DOS error, which is joined from class and code. */
static bool has_failed(const struct sentence *s) {
    const struct fact *status = find(s, FIELD_STATUS);
    return status != NULL && (status->form == FACT_JOINED || status->number >> 30 == 3);
}

static void say_delete(struct sentence *s) {
    if (has_failed(s)) {
        say(s, " (not deleted)");
    } else if (!is_false(s, FIELD_RESPONSE_SEEN)) {
        say(s, " (deleted)");
    }
}

/* SMB1 says so with the index 0xFFFF and a success (MS-CIFS 2.2.4.52.2). */
static void say_refusal(struct sentence *s) {
    const struct fact *version = find(s, FIELD_VERSION);
    bool whole = find(s, FIELD_REQUEST_SEEN) == NULL && find(s, FIELD_GAP) == NULL;
    bool answered = find(s, FIELD_STATUS) != NULL && !has_failed(s);
    if (is_operation(s, OPERATION_NEGOTIATE) && version != NULL && version->number == 1 && whole && answered &&
        find(s, FIELD_DIALECT) == NULL) {
        say(s, ", no dialect chosen");
    }
}

static void say_change(struct sentence *s) {
    say_refusal(s);
    say_with(s, " -> ", FIELD_RENAME_TO, "", JSON_CUT_FRONT);
    say_with(s, " linked as ", FIELD_LINK_TO, "", JSON_CUT_FRONT);
    say_with(s, " listing ", FIELD_SEARCH_PATTERN, "", JSON_CUT_END);
    say_with(s, " copied from ", FIELD_COPY_SOURCE, "", JSON_CUT_FRONT);
    say_with(s, ", ", FIELD_BYTES_READ, " bytes read", JSON_CUT_END);
    say_with(s, ", ", FIELD_BYTES_WRITTEN, " bytes written", JSON_CUT_END);
    say_with(s, ", ", FIELD_BYTES_COPIED, " bytes copied", JSON_CUT_END);
    if (is_operation(s, OPERATION_DELETE)) {
        say_delete(s);
    } else if (is_true(s, FIELD_DELETE_ON_CLOSE)) {
        say(s, " (to be deleted on close)");
    } else if (is_false(s, FIELD_DELETE_ON_CLOSE)) {
        say(s, " (no longer to be deleted)");
    }
}

static void say_outcome(struct sentence *s) {
    if (is_false(s, FIELD_RESPONSE_SEEN)) {
        say(s, ": no response");
    } else {
        say_with(s, ": ", FIELD_STATUS, "", JSON_CUT_END);
    }
    if (is_false(s, FIELD_REQUEST_SEEN)) {
        say(s, " (request not seen)");
    }
}

/* Nothing can be said of what is inside. */
static bool say_envelope(struct sentence *s) {
    if (find(s, FIELD_COMMAND) != NULL || !(is_true(s, FIELD_ENCRYPTED) || is_true(s, FIELD_COMPRESSED))) {
        return false;
    }
    if (is_true(s, FIELD_ENCRYPTED)) {
        say(s, "SMB3 encrypted message");
        say_with(s, " (", FIELD_ENCRYPTION_ALGORITHM, ")", JSON_CUT_END);
    } else {
        say(s, "SMB3 compressed message");
        say_with(s, " (", FIELD_COMPRESSION_ALGORITHM, ")", JSON_CUT_END);
    }
    say_with(s, ", ", FIELD_ORIGINAL_SIZE, " bytes inside", JSON_CUT_END);
    if (find(s, FIELD_START_TIME) == NULL && find(s, FIELD_END_TIME) != NULL) {
        say(s, ", from the server");
    }
    return true;
}

/* What a server sends without being asked has no MessageId (records.md), and no outcome. */
static bool say_notice(struct sentence *s) {
    if (find(s, FIELD_NOTIFICATION) != NULL) {
        say_with(s, "SMB3 server notification ", FIELD_NOTIFICATION, "", JSON_CUT_END);
        return true;
    }
    if (!is_operation(s, OPERATION_OPLOCK_BREAK) || find(s, FIELD_MESSAGE_ID) != NULL) {
        return false;
    }
    const struct fact *version = find(s, FIELD_VERSION);
    if (version != NULL && version->number == 1) {
        say(s, "SMB1 server breaks oplock");
        say_object(s);
        say_with(s, " to ", FIELD_OPLOCK_LEVEL, "", JSON_CUT_END);
    } else if (find(s, FIELD_LEASE_STATE) != NULL || find(s, FIELD_LEASE_KEY) != NULL) {
        say(s, "SMB2 server breaks lease");
        say_object(s);
        say_with(s, " to ", FIELD_LEASE_STATE, "", JSON_CUT_END);
    } else {
        say(s, "SMB2 server breaks oplock");
        say_object(s);
        say_with(s, " to ", FIELD_OPLOCK_LEVEL, "", JSON_CUT_END);
    }
    return true;
}

void content_write(struct fact_writer *w, const struct fact_index *facts) {
    struct sentence s = {w, facts, 0};
    fact_write_key(w, FIELD_CONTENT);
    json_char(&w->json, '"');
    if (!say_envelope(&s) && !say_notice(&s)) {
        say_command(&s);
        say_class(&s);
        say_object(&s);
        say_change(&s);
        say_outcome(&s);
    }
    json_char(&w->json, '"');
    fact_note(w, FIELD_CONTENT, s.flags);
}
