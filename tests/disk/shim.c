/* Faults of a disk, for tests: preloaded into the program, it stands before the calls of the C library.
 *
 * FAULT_CALL  fsync, pwrite, pread, rename, unlink: which call
 * FAULT_DO    eio, enospc: it fails so; short: it does half of what it should; kill: the process is killed before it
 * FAULT_END   only for files whose path ends so
 * FAULT_FROM  number of the first such call that is hit, from 1 [1]
 *
 * Calls are counted over the threads of a process. A kill happens once, so FAULT_FROM walks through all calls of a run.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int ends(const char *path, const char *end)
{
    size_t length = strlen(path), tail = strlen(end);
    return length >= tail && strcmp(path + length - tail, end) == 0;
}

/* What is to be done to this call, or NULL. */
static const char *fault(const char *call, const char *path)
{
    static atomic_long calls;
    const char *wanted = getenv("FAULT_CALL"), *end = getenv("FAULT_END"), *from = getenv("FAULT_FROM");
    if (!wanted || strcmp(wanted, call) != 0 || !ends(path, end ? end : ""))
        return NULL;
    if (++calls < (from ? atol(from) : 1))
        return NULL;
    return getenv("FAULT_DO");
}

static const char *fault_of(const char *call, int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    return fault(call, path);
}

/* 1 if the call must fail. */
static int fails(const char *what)
{
    if (what && strcmp(what, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (what && strcmp(what, "eio") == 0)
        errno = EIO;
    else if (what && strcmp(what, "enospc") == 0)
        errno = ENOSPC;
    else
        return 0;
    return 1;
}

static int is_short(const char *what, size_t count)
{
    return what && strcmp(what, "short") == 0 && count > 1;
}

#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int file)
{
    NEXT(fsync);
    return fails(fault_of("fsync", file)) ? -1 : next(file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    NEXT(pwrite64);
    const char *what = fault_of("pwrite", file);
    if (fails(what))
        return -1;
    return next(file, bytes, is_short(what, count) ? count / 2 : count, offset);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset)
{
    NEXT(pread64);
    const char *what = fault_of("pread", file);
    if (fails(what))
        return -1;
    return next(file, bytes, is_short(what, count) ? count / 2 : count, offset);
}

int rename(const char *from, const char *to)
{
    NEXT(rename);
    return fails(fault("rename", to)) ? -1 : next(from, to);
}

int unlink(const char *path)
{
    NEXT(unlink);
    return fails(fault("unlink", path)) ? -1 : next(path);
}
