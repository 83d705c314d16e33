#include "delivery/syslog.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "event.h"
#include "record.h"
#include "base/system_clock.h"

enum {
    SEQUENCE_LAST = 2147483647,
    TIME_SIZE = sizeof "2026-11-20T09:02:03.123456Z",
    NAME_SIZE = 32,   /* of a member that is looked for */
    LOOKED_AT = 1024, /* in so many bytes at the front of a record */
    SEVERITY_ERROR = 3,
    SEVERITY_WARNING,
    SEVERITY_NOTICE,
    SEVERITY_INFORMATIONAL, /* RFC 5424 6.2.1 */
    VERSION_SIZE = 64,
};

static const char cookie[] = "@cee: ";

_Static_assert(SYSLOG_HEADER_SIZE + RECORD_MAX < SYSLOG_MESSAGE_SIZE, "a message has room for a record");
_Static_assert(SYSLOG_FRAME_SIZE < 8192, "what receivers take by default");

void syslog_init(struct syslog *s, const struct syslog_settings *settings, pid_t pid) {
    *s = (struct syslog){.settings = settings, .pid = pid, .sequence = 1};
}

void syslog_submitted(struct syslog *s) {
    s->sequence = s->sequence == SEQUENCE_LAST ? 1 : s->sequence + 1;
}

int syslog_check(const struct line *l) {
    if (l->length > RECORD_MAX) {
        return -EMSGSIZE;
    }
    return memchr(l->text, '\n', l->length) || memchr(l->text, '\0', l->length) ? -EBADMSG : 0;
}

size_t syslog_escape(const char *value, char *to, size_t room) {
    size_t n = 0;
    for (; *value != '\0'; value++) {
        bool marked = *value == '"' || *value == '\\' || *value == ']';
        if (n + 1 + marked > room) {
            break;
        }
        if (marked) {
            to[n++] = '\\';
        }
        to[n++] = *value;
    }
    return n;
}

/* ---- what the record says */

struct span {
    const char *p;
    size_t n; /* 0: it is not there */
};

/* The text of a member of the envelope, as it is written. Within a text each quote has a backslash in front of it, so what is found is a
 * member's name; and the envelope comes first. */
static struct span member(const struct line *l, const char *name) {
    char wanted[NAME_SIZE];
    size_t n = (size_t)snprintf(wanted, sizeof wanted, "\"%s\":\"", name);
    assert(n < sizeof wanted);
    size_t in = l->length < LOOKED_AT ? l->length : LOOKED_AT;
    const char *at = memmem(l->text, in, wanted, n);
    if (!at) {
        return (struct span){NULL, 0};
    }
    size_t from = (size_t)(at - l->text) + n, to = from;
    while (to < l->length && l->text[to] != '"') {
        to += l->text[to] == '\\' ? 2 : 1;
    }
    return (struct span){l->text + from, to < l->length ? to - from : 0};
}

/* Of a header's field (RFC 5424 6, PRINTUSASCII): \" and \\ are what they stand for, all else that does not fit is a question mark. */
static size_t printable(struct span in, char *to, size_t most) {
    size_t n = 0;
    for (size_t i = 0; i < in.n && n < most; i++) {
        char c = in.p[i];
        if (c == '\\' && i + 1 < in.n) {
            c = in.p[++i];
            bool wide = c == 'u';
            i += wide ? 4 : 0;
            c = c == '"' || c == '\\' || c == '/' ? c : '?';
        }
        to[n++] = c > ' ' && c < 0x7F ? c : '?';
    }
    return n;
}

/* yyyy-mm-ddThh:mm:ss.fraction, of which six digits are told (RFC 5424 6.2.3). */
static bool is_time(struct span s) {
    static const char like[] = "0000-00-00T00:00:00.000000";
    if (s.n < sizeof like - 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof like - 1; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (like[i] == '0' ? !digit : s.p[i] != like[i]) {
            return false;
        }
    }
    return true;
}

static size_t put_time(const struct line *l, char *to) {
    struct span s = member(l, "time");
    if (!is_time(s)) {
        to[0] = '-';
        return 1;
    }
    memcpy(to, s.p, TIME_SIZE - 2);
    to[TIME_SIZE - 2] = 'Z';
    return TIME_SIZE - 1;
}

/* RFC 3164 4.1.2: "Nov  3 09:02:03". */
static size_t put_old_time(const struct line *l, char *to, size_t room) {
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct span s = member(l, "time");
    struct tm t = {0};
    if (is_time(s)) {
        t.tm_mon = (s.p[5] - '0') * 10 + s.p[6] - '0' - 1;
        t.tm_mday = (s.p[8] - '0') * 10 + s.p[9] - '0';
        t.tm_hour = (s.p[11] - '0') * 10 + s.p[12] - '0';
        t.tm_min = (s.p[14] - '0') * 10 + s.p[15] - '0';
        t.tm_sec = (s.p[17] - '0') * 10 + s.p[18] - '0';
    }
    if (t.tm_mon < 0 || t.tm_mon > 11 || t.tm_mday == 0) {
        time_t now = (time_t)(system_clock_ns(CLOCK_REALTIME) / 1000000000);
        gmtime_r(&now, &t);
    }
    int n = snprintf(to, room, "%s %2d %02d:%02d:%02d", months[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    assert(n > 0 && (size_t)n < room);
    return (size_t)n;
}

static size_t put_hostname(const struct syslog *s, const struct line *l, char *to) {
    const char *told = s->settings->hostname;
    struct span name = told ? (struct span){told, strlen(told)} : member(l, "sensor_id");
    size_t n = told ? 0 : printable(name, to, SYSLOG_HOSTNAME_MAX);
    for (; told && n < name.n && n < SYSLOG_HOSTNAME_MAX; n++) {
        to[n] = told[n] > ' ' && told[n] < 0x7F ? told[n] : '?';
    }
    if (n == 0) {
        to[n++] = '-';
    }
    return n;
}

static size_t put_msgid(const struct line *l, char *to) {
    size_t n = printable(member(l, "object"), to, SYSLOG_MSGID_MAX / 2);
    if (n == 0) {
        to[n++] = '-';
        return n;
    }
    to[n++] = '/';
    return n + printable(member(l, "action"), to + n, SYSLOG_MSGID_MAX - n);
}

static unsigned priority(const struct syslog *s, const struct line *l) {
    static const unsigned char of_finding[LINE_SEVERITIES] = {
        [LINE_INFO] = SEVERITY_INFORMATIONAL,
        [LINE_LOW] = SEVERITY_NOTICE,
        [LINE_MEDIUM] = SEVERITY_WARNING,
        [LINE_HIGH] = SEVERITY_ERROR,
    };
    unsigned severity = s->settings->severity;
    if (l->object == OBJECT_FINDING && l->severity < LINE_SEVERITIES) {
        severity = of_finding[l->severity];
    } else if (l->object == OBJECT_SENSOR && l->action == ACTION_GAP) {
        severity = SEVERITY_WARNING;
    }
    return s->settings->facility * 8 + severity;
}

/* ---- the message */

/* RFC 5424 7.2 origin and 7.3 meta. */
static size_t put_structured(const struct syslog *s, char *to, size_t room) {
    char version[VERSION_SIZE];
    size_t n = syslog_escape(SMBTAP_VERSION, version, sizeof version - 1);
    version[n] = '\0';
    int all = snprintf(to, room, "[meta sequenceId=\"%u\"][origin software=\"smbtap\" swVersion=\"%s\"]", s->sequence,
                       version);
    assert(all > 0 && (size_t)all < room);
    return (size_t)all;
}

static size_t put_header(const struct syslog *s, const struct line *l, char to[SYSLOG_HEADER_SIZE]) {
    size_t n = (size_t)snprintf(to, SYSLOG_HEADER_SIZE, "<%u>1 ", priority(s, l));
    n += put_time(l, to + n);
    to[n++] = ' ';
    n += put_hostname(s, l, to + n);
    n += (size_t)snprintf(to + n, SYSLOG_HEADER_SIZE - n, " smbtap %d ", (int)s->pid);
    n += put_msgid(l, to + n);
    to[n++] = ' ';
    n += put_structured(s, to + n, SYSLOG_HEADER_SIZE - n);
    to[n++] = ' ';
    return n;
}

static size_t put_old_header(const struct syslog *s, const struct line *l, char to[SYSLOG_HEADER_SIZE]) {
    size_t n = (size_t)snprintf(to, SYSLOG_HEADER_SIZE, "<%u>", priority(s, l));
    n += put_old_time(l, to + n, SYSLOG_HEADER_SIZE - n);
    to[n++] = ' ';
    n += put_hostname(s, l, to + n);
    n += (size_t)snprintf(to + n, SYSLOG_HEADER_SIZE - n, " smbtap[%d]: ", (int)s->pid);
    return n;
}

/* All that stands in front of the JSON. */
static size_t put_front(const struct syslog *s, const struct line *l, char to[SYSLOG_HEADER_SIZE]) {
    size_t n = s->settings->format == SYSLOG_RFC3164 ? put_old_header(s, l, to) : put_header(s, l, to);
    assert(n + sizeof cookie <= SYSLOG_HEADER_SIZE);
    if (s->settings->cee) {
        memcpy(to + n, cookie, sizeof cookie - 1);
        n += sizeof cookie - 1;
    }
    return n;
}

size_t syslog_message(const struct syslog *s, const struct line *l, char to[SYSLOG_MESSAGE_SIZE]) {
    assert(l->length <= RECORD_MAX);
    size_t n = put_front(s, l, to);
    memcpy(to + n, l->text, l->length);
    return n + l->length;
}

size_t syslog_frame(const struct syslog *s, const struct line *l, char to[SYSLOG_FRAME_SIZE]) {
    assert(l->length <= RECORD_MAX);
    if (s->settings->framing == SYSLOG_NEWLINE) {
        size_t n = syslog_message(s, l, to);
        to[n] = '\n';
        return n + 1;
    }
    char front[SYSLOG_HEADER_SIZE];
    size_t n = put_front(s, l, front);
    size_t at = (size_t)snprintf(to, SYSLOG_FRAME_SIZE, "%zu ", n + l->length);
    memcpy(to + at, front, n);
    memcpy(to + at + n, l->text, l->length);
    return at + n + l->length;
}
