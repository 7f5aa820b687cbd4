# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: auto_pickle=False
"""The jobs of a thread, which does writes by itself, without the interpreter: see ``job_queue``.

A thread that needs the interpreter for each call of the system has to wait for it, up to a whole switch
interval, while the loop computes. One that waits here needs it for other jobs only.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.errno cimport EINTR, ENOSPC, ESTALE, errno
from libc.stdlib cimport calloc, free
from posix.stat cimport fstat, struct_stat
from posix.types cimport off_t

from os import strerror

from ...ports.files import SyncFailed

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_mutex_init(pthread_mutex_t*, void*)
    int pthread_mutex_lock(pthread_mutex_t*)
    int pthread_mutex_unlock(pthread_mutex_t*)
    int pthread_mutex_destroy(pthread_mutex_t*)
    int pthread_cond_init(pthread_cond_t*, void*)
    int pthread_cond_wait(pthread_cond_t*, pthread_mutex_t*)
    int pthread_cond_signal(pthread_cond_t*)
    int pthread_cond_destroy(pthread_cond_t*)

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len
    ssize_t pwritev(int, const iovec*, int, off_t)

cdef extern from "<unistd.h>" nogil:
    int fdatasync(int)
    ssize_t write(int, const void*, size_t)

cdef extern from *:
    """
    /* Who finds a job over also finds what the thread noted of its writes before: the loop may look at
       any time, and takes no lock for that. */
    static inline void set_over(int *over) { __atomic_store_n(over, 1, __ATOMIC_RELEASE); }
    static inline int is_set(int *over) { return __atomic_load_n(over, __ATOMIC_ACQUIRE); }
    """
    void set_over(int *over) noexcept nogil
    bint is_set(int *over) noexcept nogil

cdef enum:
    _PIECES = 1000  # most that one call of the system takes; Linux allows 1024


cdef struct OneWrite:
    int descriptor
    off_t offset
    iovec* pieces
    Py_ssize_t count
    bint sync
    int error
    bint in_sync  # whether the error is of the sync


cdef struct Job:
    PyObject* call  # a job in Python; NULL for writes
    OneWrite* writes
    Py_ssize_t count
    int* over
    int notify  # the descriptor that gets a byte when the writes are over
    Job* next


cdef void carry_out(OneWrite* one) noexcept nogil:
    """Write all pieces, one after the other, then sync."""
    cdef iovec* piece = one.pieces
    cdef iovec* end = one.pieces + one.count
    cdef ssize_t written
    cdef struct_stat status
    while piece < end:
        if not piece.iov_len:
            piece += 1
            continue
        written = pwritev(one.descriptor, piece, <int>min(end - piece, _PIECES), one.offset)
        if written <= 0:
            if written < 0 and errno == EINTR:
                continue
            one.error = errno if written < 0 else ENOSPC
            return
        one.offset += written
        while piece < end and <size_t>written >= piece.iov_len:
            written -= <ssize_t>piece.iov_len
            piece += 1
        if written:
            piece.iov_base = <char*>piece.iov_base + written
            piece.iov_len -= <size_t>written
    while one.sync and fdatasync(one.descriptor) < 0:
        if errno != EINTR:
            one.error, one.in_sync = errno, True
            return
    if one.sync and fstat(one.descriptor, &status) == 0 and not status.st_nlink:
        one.error, one.in_sync = ESTALE, True  # see `OsFile.sync`


cdef class WriteJob:
    """Writes to open files. One that is in a queue has to be kept until it is over."""

    cdef OneWrite* _writes
    cdef Py_ssize_t _count
    cdef int _over
    cdef list _kept

    def __cinit__(self, writes):
        """`writes` have a descriptor, an offset, pieces that are bytes, and whether to sync."""
        cdef OneWrite* one
        cdef Py_ssize_t at
        self._kept = []
        self._count = len(writes)
        self._writes = <OneWrite*>calloc(max(self._count, 1), sizeof(OneWrite))
        if self._writes is NULL:
            raise MemoryError
        for number, (descriptor, offset, pieces, sync) in enumerate(writes):
            one = self._writes + <Py_ssize_t>number
            one.descriptor, one.offset, one.sync = descriptor, offset, sync
            one.count = len(pieces)
            one.pieces = <iovec*>calloc(max(one.count, 1), sizeof(iovec))
            if one.pieces is NULL:
                raise MemoryError
            at = 0
            for piece in pieces:
                one.pieces[at].iov_base = PyBytes_AS_STRING(<bytes?>piece)
                one.pieces[at].iov_len = <size_t>PyBytes_GET_SIZE(piece)
                at += 1
            self._kept.append(tuple(pieces))

    def __dealloc__(self):
        cdef Py_ssize_t at
        if self._writes is not NULL:
            for at in range(self._count):
                free(self._writes[at].pieces)
            free(self._writes)

    @property
    def is_over(self):
        """Whether everything is written, or has failed."""
        return is_set(&self._over)

    def errors(self):
        """What came of each write, when it is over: None, or an `OSError`, `SyncFailed` for a sync."""
        return [error_of(self._writes + at) for at in range(self._count)]


cdef object error_of(OneWrite* one):
    if not one.error:
        return None
    error = OSError(one.error, strerror(one.error))
    return SyncFailed.of(error) if one.in_sync else error


cdef class JobQueue:
    """What one thread gets, in order; see `job_queue.JobQueue`."""

    cdef pthread_mutex_t _lock
    cdef pthread_cond_t _filled
    cdef Job* _first
    cdef Job* _last

    def __cinit__(self):
        pthread_mutex_init(&self._lock, NULL)
        pthread_cond_init(&self._filled, NULL)

    def __dealloc__(self):
        cdef Job* job = self._first
        cdef Job* following
        while job is not NULL:
            following = job.next
            if job.call is not NULL:
                Py_DECREF(<object>job.call)
            free(job)
            job = following
        pthread_cond_destroy(&self._filled)
        pthread_mutex_destroy(&self._lock)

    def put(self, call):
        """A job in Python, which `get` returns."""
        cdef Job* job = new_job()
        Py_INCREF(call)
        job.call = <PyObject*>call
        self.add(job)

    def put_writes(self, WriteJob writes, int notify):
        """Writes. When they are over, one byte is written to the descriptor `notify`."""
        cdef Job* job = new_job()
        job.writes, job.count, job.over, job.notify = writes._writes, writes._count, &writes._over, notify
        self.add(job)

    cdef void add(self, Job* job) noexcept:
        pthread_mutex_lock(&self._lock)
        if self._last is NULL:
            self._first = job
        else:
            self._last.next = job
        self._last = job
        pthread_cond_signal(&self._filled)
        pthread_mutex_unlock(&self._lock)

    cdef Job* take(self) noexcept nogil:
        cdef Job* job
        pthread_mutex_lock(&self._lock)
        while self._first is NULL:
            pthread_cond_wait(&self._filled, &self._lock)
        job = self._first
        self._first = job.next
        if job.next is NULL:
            self._last = NULL
        pthread_mutex_unlock(&self._lock)
        return job

    def get(self):
        """The next job in Python. Writes before it are carried out here."""
        cdef Job* job
        cdef Py_ssize_t at
        cdef PyObject* call
        with nogil:
            while True:
                job = self.take()
                if job.call is not NULL:
                    break
                for at in range(job.count):
                    carry_out(job.writes + at)
                set_over(job.over)  # from here on the loop may free the writes
                write(job.notify, b".", 1)  # a pipe that is full has the loop look anyway
                free(job)
        call = job.call
        free(job)
        taken = <object>call
        Py_DECREF(taken)
        return taken


cdef Job* new_job() except NULL:
    cdef Job* job = <Job*>calloc(1, sizeof(Job))
    if job is NULL:
        raise MemoryError
    return job
