#include "output_settings.h"

#include <errno.h>
#include <stdio.h>

#include "output_texts.h"
#include "output_url.h"

int output_settings_begin(struct output_settings *out, const char *url, char why[OUTPUT_WHY_SIZE]) {
    struct output_settings o = {
        .filter = {.objects = UINT32_MAX, .operations = UINT64_MAX},
        .syslog = {.facility = 16, .severity = 6},
        .tls = {.verify_name = true, .version_min = 0x0303},
        .spool = {.max_bytes = OUTPUT_SPOOL_DEFAULT, .sync = SPOOL_SYNC_INTERVAL, .sync_ns = 1000000000},
        .resend_bytes = OUTPUT_RESEND_DEFAULT,
    };
    int error = output_url_take(&o, url, why);
    if (error == 0) {
        *out = o;
    } else {
        output_settings_free(&o);
    }
    return error;
}

int output_settings_parse(struct output_settings *o, const char *text, char why[OUTPUT_WHY_SIZE]) {
    return output_settings_begin(o, text, why);
}

void output_settings_free(struct output_settings *o) {
    output_texts_free(o);
}
