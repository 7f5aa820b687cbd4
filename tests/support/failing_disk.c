/* Preloaded into a server: calls of the system fail while a file says so.
 *
 * FAILING_DISK names that file. It has one line: the name of a call, the number of the error, and
 * what the name of the file it is called for ends with, such as "fdatasync 5 .segment".
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int failure_of(const char *call, int descriptor) {
    char text[256], name[64], ending[64], link[64], file[4096];
    const char *control = getenv("FAILING_DISK");
    int number, opened = control ? (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC) : -1;
    if (opened < 0)
        return 0;
    long length = syscall(SYS_read, opened, text, sizeof text - 1);
    syscall(SYS_close, opened);
    if (length <= 0)
        return 0;
    text[length] = 0;
    if (sscanf(text, "%63s %d %63s", name, &number, ending) != 3 || strcmp(name, call))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, file, sizeof file - 1);
    if (length < (long)strlen(ending))
        return 0;
    file[length] = 0;
    return strcmp(file + length - strlen(ending), ending) ? 0 : number;
}

#define FAIL(call, descriptor)                                                                               \
    do {                                                                                                     \
        int number = failure_of(call, descriptor);                                                           \
        if (number) {                                                                                        \
            errno = number;                                                                                  \
            return -1;                                                                                       \
        }                                                                                                    \
    } while (0)

int fdatasync(int descriptor) {
    FAIL("fdatasync", descriptor);
    return (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor) {
    FAIL("fsync", descriptor);
    return (int)syscall(SYS_fsync, descriptor);
}

#define PWRITEV2(symbol)                                                                                     \
    ssize_t symbol(int descriptor, const struct iovec *pieces, int count, off_t offset, int flags) {         \
        static ssize_t (*next)(int, const struct iovec *, int, off_t, int);                                  \
        FAIL("pwritev", descriptor);                                                                         \
        if (!next)                                                                                           \
            *(void **)&next = dlsym(RTLD_NEXT, #symbol);                                                     \
        return next(descriptor, pieces, count, offset, flags);                                               \
    }
PWRITEV2(pwritev2)
PWRITEV2(pwritev64v2)

#define PWRITEV(symbol)                                                                                      \
    ssize_t symbol(int descriptor, const struct iovec *pieces, int count, off_t offset) {                    \
        static ssize_t (*next)(int, const struct iovec *, int, off_t);                                       \
        FAIL("pwritev", descriptor);                                                                         \
        if (!next)                                                                                           \
            *(void **)&next = dlsym(RTLD_NEXT, #symbol);                                                     \
        return next(descriptor, pieces, count, offset);                                                      \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

#define PREAD(symbol)                                                                                        \
    ssize_t symbol(int descriptor, void *room, size_t length, off_t offset) {                                \
        FAIL("pread", descriptor);                                                                           \
        return syscall(SYS_pread64, descriptor, room, length, offset);                                       \
    }
PREAD(pread)
PREAD(pread64)
