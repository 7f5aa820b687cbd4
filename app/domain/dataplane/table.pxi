"""The hash table of the plan cache, in the compiled twin; the plain one has dicts for that."""

# Uses of framing: copy_few, is_same, word_at

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

cdef enum:
    _FIRST_TABLE = 1024
    _MEMBER = 0x7FFFFFFF  # in place of `Entry.further`: more tokens than any subject has


cdef struct Entry:
    # What the plan cache knows of a kind of subject: those that begin with `prefix`
    # and have `further` more tokens. With none further it is one subject, and with
    # `_MEMBER` it is no subject at all, but the sid by which a route names a queue member.
    uint64_t hash
    int64_t stamp
    # What it refers to is kept alive by `PlanCache.retained`, where the garbage collector sees it.
    PyObject *plan     # for `audience`
    PyObject *others   # plans of further audiences: a dict, or NULL
    Py_ssize_t plan_place    # in `retained`
    Py_ssize_t others_place
    int64_t audience
    uint32_t depth     # tokens of the prefix
    uint32_t further
    uint32_t length    # of the prefix
    char *prefix       # right after the struct


cdef inline bint is_kind(Entry *entry) noexcept nogil:
    """Whether it is for more than one subject."""
    return entry.further != 0 and entry.further != _MEMBER


cdef struct Key:
    uint64_t first
    uint64_t second


cdef struct Sip:
    uint64_t a
    uint64_t b
    uint64_t c
    uint64_t d


cdef inline uint64_t turned(uint64_t x, int bits) noexcept nogil:
    return (x << bits) | (x >> (64 - bits))


cdef inline void stir(Sip *sip) noexcept nogil:
    """One round of SipHash."""
    sip.a += sip.b
    sip.c += sip.d
    sip.b = turned(sip.b, 13) ^ sip.a
    sip.d = turned(sip.d, 16) ^ sip.c
    sip.a = turned(sip.a, 32)
    sip.c += sip.b
    sip.a += sip.d
    sip.b = turned(sip.b, 17) ^ sip.c
    sip.d = turned(sip.d, 21) ^ sip.a
    sip.c = turned(sip.c, 32)


cdef inline void absorb(Sip *sip, uint64_t word) noexcept nogil:
    sip.d ^= word
    stir(sip)
    sip.a ^= word


cdef inline uint64_t hash_of(const char *data, Py_ssize_t count, Key *key, uint64_t further) noexcept nogil:
    """SipHash-1-3 of the bytes, by a key that no peer knows, so that none can choose collisions.

    (J.-P. Aumasson and D. J. Bernstein, 2012; words are in the order of this machine.) What
    is `further` known is taken in as a word before the bytes, unless it is 0.
    """
    cdef Sip sip
    cdef uint64_t word = 0
    cdef uint64_t size = <uint64_t>count
    sip.a = key.first ^ <uint64_t>0x736F6D6570736575
    sip.b = key.second ^ <uint64_t>0x646F72616E646F6D
    sip.c = key.first ^ <uint64_t>0x6C7967656E657261
    sip.d = key.second ^ <uint64_t>0x7465646279746573
    if further:
        absorb(&sip, further)
        size += 8
    while count >= 8:
        absorb(&sip, word_at(data))
        data += 8
        count -= 8
    copy_few(<char *>&word, data, count)
    absorb(&sip, word | (size << 56))
    sip.c ^= 0xFF
    stir(&sip)
    stir(&sip)
    stir(&sip)
    return sip.a ^ sip.b ^ sip.c ^ sip.d


def siphash(bytes data not None, uint64_t first, uint64_t second, uint64_t further=0):
    """The hash of the table, so that tests can compare it with others."""
    cdef Key key
    key.first = first
    key.second = second
    return hash_of(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), &key, further)


@cython.final
cdef class Table:
    """Entries by prefix and number of further tokens: open addressing, at most half full."""

    cdef Entry **slots
    cdef uint64_t mask
    cdef uint64_t used
    cdef Key key

    def __cinit__(self, seed):
        # The seed alone would not do: it can be guessed from the members that it draws. The
        # interpreter's own hash is keyed by what the process alone knows.
        self.key.first = <uint64_t><int64_t>hash(b"first half of the key %d" % seed)
        self.key.second = <uint64_t><int64_t>hash(b"second half of the key %d" % seed)
        self.mask = _FIRST_TABLE - 1
        self.slots = <Entry **>calloc(_FIRST_TABLE, sizeof(Entry *))
        if self.slots is NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.slots is not NULL:
            self.clear()
            free(self.slots)

    cdef inline Entry *find(self, const char *prefix, Py_ssize_t count, int64_t further) noexcept:
        cdef uint64_t code = hash_of(prefix, count, &self.key, <uint64_t>further)
        cdef uint64_t i = code & self.mask
        cdef Entry *entry = self.slots[i]
        while entry is not NULL:
            if (
                entry.hash == code
                and entry.length == count
                and entry.further == further
                and is_same(entry.prefix, prefix, count)
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
        entry.hash = hash_of(prefix, count, &self.key, <uint64_t>further)
        entry.stamp = 0
        entry.plan = NULL
        entry.others = NULL
        entry.audience = 0
        entry.depth = <uint32_t>depth
        entry.further = <uint32_t>further
        entry.length = <uint32_t>count
        entry.prefix = <char *>entry + sizeof(Entry)
        memcpy(entry.prefix, prefix, count)
        put_in_slot(entry, self.slots, self.mask)
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
                put_in_slot(self.slots[i], slots, mask)
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

    cdef uint64_t longest_run(self) noexcept:
        """Slots in a row that are taken, at most: bounds how long a search can be."""
        cdef uint64_t longest = 0, run = 0, i
        for i in range(self.mask + 1):
            run = run + 1 if self.slots[i] is not NULL else 0
            longest = max(longest, run)
        return longest

    cdef void clear(self) noexcept:
        """Free all entries."""
        cdef uint64_t i
        for i in range(self.mask + 1):
            free(self.slots[i])
            self.slots[i] = NULL
        self.used = 0


cdef inline void put_in_slot(Entry *entry, Entry **slots, uint64_t mask) noexcept nogil:
    """Put it into the first free slot from its own on."""
    cdef uint64_t i = entry.hash & mask
    while slots[i] is not NULL:
        i = (i + 1) & mask
    slots[i] = entry
