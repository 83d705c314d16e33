/* Loaded before a program (LD_PRELOAD): the cores that it may run on are as many as LIVE_CORES says, so that a test can have more
 * workers than the machine has cores. */
#include <sched.h>
#include <stdlib.h>

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    (void)pid;
    const char *text = getenv("LIVE_CORES");
    CPU_ZERO_S(size, set);
    for (size_t k = 0; k < strtoul(text ? text : "1", NULL, 10); k++)
        CPU_SET_S(k, size, set);
    return 0;
}
