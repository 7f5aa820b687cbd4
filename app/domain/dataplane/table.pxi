"""The hash table of the plan cache, in the compiled twin; the plain one has dicts for that."""

cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy

cdef enum:
    _FIRST_TABLE = 1024
    _MEMBER = 0x7FFFFFFF  # in place of `Entry.further`: more tokens than any subject has


cdef struct Entry:
    # What the plan cache knows of a kind of subject: those that begin with `prefix`
    # and have so many `further` tokens. With none further it is one subject, and with
    # `_MEMBER` it is no subject at all, but the sid by which a route names a queue member.
    uint64_t hash
    int64_t stamp
    # What it refers to is kept alive by `PlanCache.retained`, where the garbage collector sees it.
    PyObject *plan     # for `audience`
    PyObject *others   # plans of further audiences: a dict, or NULL
    Py_ssize_t plan_place    # in `retained`
    Py_ssize_t others_place
    int audience
    uint32_t depth     # tokens of the prefix
    uint32_t further
    uint32_t length    # of the prefix
    char *prefix       # stands right behind the struct


cdef inline bint is_kind(Entry *entry) noexcept nogil:
    """Whether it is for more than one subject."""
    return entry.further != 0 and entry.further != _MEMBER


cdef inline uint64_t mix(uint64_t a, uint64_t b) noexcept nogil:
    a = (a ^ b) * <uint64_t>0x9E3779B97F4A7C15
    return a ^ (a >> 32)


cdef inline uint64_t hash_of(const char *data, Py_ssize_t count, uint64_t seed) noexcept nogil:
    """A keyed hash, eight bytes at a time; the key keeps peers from choosing collisions."""
    cdef uint64_t result = seed ^ <uint64_t>count
    cdef uint64_t word
    while count >= 8:
        memcpy(&word, data, 8)
        result = mix(result, word)
        data += 8
        count -= 8
    if count:
        word = 0
        memcpy(&word, data, count)
        result = mix(result, word)
    return mix(result, seed)


@cython.final
cdef class Table:
    """Entries by prefix and number of further tokens: open addressing, at most half full."""

    cdef Entry **slots
    cdef uint64_t mask
    cdef uint64_t used
    cdef uint64_t key

    def __cinit__(self, seed):
        self.key = mix(seed, <uint64_t>0xD6E8FEB86659FD93)
        self.mask = _FIRST_TABLE - 1
        self.slots = <Entry **>calloc(_FIRST_TABLE, sizeof(Entry *))
        if self.slots is NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.slots is not NULL:
            self.clear()
            free(self.slots)

    cdef inline Entry *find(self, const char *prefix, Py_ssize_t count, int64_t further) noexcept:
        cdef uint64_t code = hash_of(prefix, count, self.key + <uint64_t>further)
        cdef uint64_t i = code & self.mask
        cdef Entry *entry = self.slots[i]
        while entry is not NULL:
            if (
                entry.hash == code
                and entry.length == count
                and entry.further == further
                and memcmp(entry.prefix, prefix, count) == 0
            ):
                return entry
            i = (i + 1) & self.mask
            entry = self.slots[i]
        return NULL

    cdef Entry *add(self, const char *prefix, Py_ssize_t count, int64_t depth, int64_t further) except NULL:
        """A new entry, without a plan; there must be none like it."""
        cdef Entry *entry
        if 2 * (self.used + 1) > self.mask:
            self.widen()
        entry = <Entry *>malloc(sizeof(Entry) + count)
        if entry is NULL:
            raise MemoryError
        entry.hash = hash_of(prefix, count, self.key + <uint64_t>further)
        entry.stamp = 0
        entry.plan = NULL
        entry.others = NULL
        entry.audience = 0
        entry.depth = <uint32_t>depth
        entry.further = <uint32_t>further
        entry.length = <uint32_t>count
        entry.prefix = <char *>entry + sizeof(Entry)
        memcpy(entry.prefix, prefix, count)
        place(entry, self.slots, self.mask)
        self.used += 1
        return entry

    cdef int widen(self) except -1:
        """Double the table."""
        cdef uint64_t size = self.mask + 1
        cdef uint64_t mask = 2 * size - 1
        cdef Entry **slots = <Entry **>calloc(2 * size, sizeof(Entry *))
        cdef uint64_t i
        if slots is NULL:
            raise MemoryError
        for i in range(size):
            if self.slots[i] is not NULL:
                place(self.slots[i], slots, mask)
        free(self.slots)
        self.slots = slots
        self.mask = mask
        return 0

    cdef void remove(self, Entry *entry) noexcept:
        """Free an entry, and close the gap it leaves in its run of slots."""
        cdef uint64_t gap = entry.hash & self.mask
        cdef uint64_t i, home
        while self.slots[gap] is not entry:
            gap = (gap + 1) & self.mask
        i = gap
        while True:
            i = (i + 1) & self.mask
            if self.slots[i] is NULL:
                break
            home = self.slots[i].hash & self.mask
            if ((i - home) & self.mask) >= ((i - gap) & self.mask):
                self.slots[gap] = self.slots[i]
                gap = i
        self.slots[gap] = NULL
        self.used -= 1
        free(entry)

    cdef void clear(self) noexcept:
        """Free all entries."""
        cdef uint64_t i
        for i in range(self.mask + 1):
            free(self.slots[i])
            self.slots[i] = NULL
        self.used = 0


cdef inline void place(Entry *entry, Entry **slots, uint64_t mask) noexcept nogil:
    """Put it into the first free slot from its own on."""
    cdef uint64_t i = entry.hash & mask
    while slots[i] is not NULL:
        i = (i + 1) & mask
    slots[i] = entry
