/* Compresses a file, so that at any moment, a crash's too, one of the two is there whole. */
#ifndef ZSTD_FILE_H
#define ZSTD_FILE_H

#include <stdatomic.h>
#include <stdbool.h>

#define ZSTD_FILE_ENDING ".zst"
#define ZSTD_FILE_TEMPORARY ".zst.tmp"

/* Of the file name in the folder (a descriptor) makes name.zst, with its mode and times: written as name.zst.tmp, to the disk, and renamed;
 * then name is removed. What a run that was killed left under either is replaced. 0; -EBUSY, where another process is at it; -ECANCELED once
 * *stop is true; or another negative errno: then all is as it was. */
__attribute__((warn_unused_result)) int zstd_file_compress(int folder, const char *name, const atomic_bool *stop);

#endif
