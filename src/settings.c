#include "settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "log.h"
#include "options.h"

enum { SHOWN = 200 }; /* characters of a value that a message shows */

const struct setting *settings_at(size_t i) {
    static const struct settings_rows *const all[] = {&settings_command, &settings_outputs, &settings_live,
                                                      &settings_decoding};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (i < all[k]->count) {
            return &all[k]->rows[i];
        }
        i -= all[k]->count;
    }
    return NULL;
}

int settings_refuse(const char *place, const char *text, const char *format, ...) {
    char why[OUTPUT_WHY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    log_error("%s %.*s: %s", place, SHOWN, *text ? text : "\"\"", why);
    return OPTIONS_USAGE;
}

int settings_set_switch(bool *on, const char *place, const char *text) {
    return value_switch(text, on) ? 0 : settings_refuse(place, text, "neither yes nor no; give one of the two");
}

const char *settings_show_switch(bool on) {
    return on ? "yes" : "no";
}
