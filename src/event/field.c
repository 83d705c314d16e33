#include "event.h"

const struct field_info fields[FIELDS] = {
#define FIELD(id, name, place, type, meaning) {name, meaning, PLACE_##place, TYPE_##type},
#include "tables/field.def"
#undef FIELD
};
