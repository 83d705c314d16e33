/* What libFuzzer does with a corpus, without libFuzzer: gives each file of the folders on the command line to the fuzz target
 * once, and an empty input first. A folder that does not exist is an error, an empty one is not; folders in it are passed over. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The whole file, exactly as large as its memory, so that a sanitizer sees a read past the end. NULL: it could not be read. */
static uint8_t *read_whole(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    uint8_t *data = NULL;
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0 && (data = malloc(length ? (size_t)length : 1))) {
        *size = fread(data, 1, (size_t)length, file);
        if (*size != (size_t)length) {
            free(data);
            data = NULL;
        }
    }
    fclose(file);
    return data;
}

static bool is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static int hex_digit(uint8_t c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One input, as hexadecimal digits; false where it is something else. */
static bool replay_hex(const uint8_t *digits, size_t count) {
    size_t size = count / 2;
    bool good = count % 2 == 0;
    uint8_t *data = malloc(size ? size : 1);
    for (size_t i = 0; data && good && i < size; i++) {
        int high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);
        good = high >= 0 && low >= 0;
        data[i] = (uint8_t)(high << 4 | low);
    }
    good = good && data;
    if (good) {
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return good;
}

/* An input on each line (pack.py): how many; -1 where one is none. */
static int replay_packed(const uint8_t *data, size_t size) {
    int replayed = 0;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t n = end ? (size_t)(end - data) - at : size - at;
        if (!replay_hex(data + at, n)) {
            return -1;
        }
        replayed++;
        at += n + 1;
    }
    return replayed;
}

/* How many inputs were in it; -1 where it could not be read. */
static int replay_file(const char *path) {
    size_t size = 0, length = strlen(path);
    uint8_t *data = read_whole(path, &size);
    if (!data) {
        perror(path);
        return -1;
    }
    int replayed = 1;
    if (length > 4 && strcmp(path + length - 4, ".hex") == 0) {
        replayed = replay_packed(data, size);
        if (replayed < 0) {
            fprintf(stderr, "%s: a line is not hexadecimal\n", path);
        }
    } else {
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return replayed;
}

/* How many inputs were replayed; -1 where one could not be. */
static int replay_folder(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        perror(folder);
        return -1;
    }
    int replayed = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (is_file(path) && replayed >= 0) {
            int more = replay_file(path);
            replayed = more >= 0 ? replayed + more : -1;
        }
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv) {
    static const uint8_t nothing[1];
    LLVMFuzzerTestOneInput(nothing, 0);
    for (int i = 1; i < argc; i++) {
        int replayed = replay_folder(argv[i]);
        if (replayed < 0) {
            return EXIT_FAILURE;
        }
        printf("%s: %d inputs\n", argv[i], replayed);
    }
    return EXIT_SUCCESS;
}
