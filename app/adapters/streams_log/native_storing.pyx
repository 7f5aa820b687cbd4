# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""One message stored and written in one step, compiled: see ``fast_path``.

What it does is defined by `FileLog.append` and `FileStream.commit_now`. It looks first, writes then, and
notes at last: so a write that fails leaves nothing behind. What is rare is asked of the objects themselves.
"""

from cpython cimport array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from ...domain.jetstream.storage import chunk as chunks, seam
from ...ports import files
from . import record, removals as all_removals, segment as segments, tail as tails, writer as writers
from .run_encoding import HEADERS as _HEADERS, OVERHEAD as _OVERHEAD

cdef object Point = writers.Point
cdef object StoredMessage = seam.StoredMessage
cdef int64_t LEAST = record.LEAST
cdef int64_t REMOVED_SIZE = record.REMOVAL + record.REMOVALS_COUNT
cdef int64_t HEADERS = _HEADERS
cdef int64_t OVERHEAD = _OVERHEAD
cdef int MESSAGE = record.MESSAGE
cdef int REMOVING_MESSAGE = record.REMOVING_MESSAGE
cdef int FIRST_OF_EPOCH = record.FIRST_OF_EPOCH
cdef uint64_t WITH_HEADERS = chunks.WITH_HEADERS
cdef int SPAN_BITS = chunks.SPAN_BITS
cdef Py_ssize_t COMPACTED_FROM = chunks.COMPACTED_FROM
cdef uint64_t NUMBER = segments.NUMBER
cdef double QUICK = files.QUICK
cdef int64_t QUICK_BYTES = writers.QUICK_BYTES
cdef int64_t OF_ONE = tails.OF_ONE
cdef int64_t TAIL_OVERHEAD = tails._OVERHEAD
cdef Py_ssize_t FEW = tails._FEW
cdef Py_ssize_t MOST_REMOVALS = all_removals._MOST

include "message_record.pxi"
include "slots.pxi"

cdef extern from "unistd.h" nogil:
    ssize_t pwrite(int descriptor, const void *data, size_t count, int64_t offset)

if len(Point._fields) != 8 or len(StoredMessage._fields) != 5:
    raise ImportError("the compiled code is of another version")

cdef enum:
    _NONE = -1
    _FARTHEST = 0xFFFFFFFF


cdef inline int put32(column, uint32_t value) except -1:
    """Add to a column of 32 bits."""
    cdef array.array numbers = <array.array?>column
    cdef Py_ssize_t count = len(numbers)
    array.resize_smart(numbers, count + 1)
    numbers.data.as_uints[count] = value
    return 0


cdef inline int put16(column, uint16_t value) except -1:
    """Add to a column of 16 bits."""
    cdef array.array numbers = <array.array?>column
    cdef Py_ssize_t count = len(numbers)
    array.resize_smart(numbers, count + 1)
    numbers.data.as_ushorts[count] = value
    return 0


cdef inline int put64(column, uint64_t value) except -1:
    """Add to a column of 64 bits."""
    cdef array.array numbers = <array.array?>column
    cdef Py_ssize_t count = len(numbers)
    array.resize_smart(numbers, count + 1)
    numbers.data.as_ulonglongs[count] = value
    return 0


cdef Py_ssize_t slot_of(chunk, ids, uint64_t sequence) except -2:
    """See `Chunk.slot`; `_NONE` also where that is to be asked instead: the columns are narrow."""
    cdef Py_ssize_t low, high, middle
    cdef uint64_t wanted, start
    cdef array.array numbers
    offsets = get(chunk, CHUNK_OFFSETS)
    if offsets is None:
        start = get(chunk, CHUNK_START)
        low = <Py_ssize_t>(sequence - start)
        return low if sequence >= start and low < len(<array.array>ids) else _NONE
    numbers = <array.array?>offsets
    wanted = sequence - <uint64_t>get(chunk, CHUNK_BASE)
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) >> 1
        if numbers.data.as_ushorts[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(numbers) and numbers.data.as_ushorts[low] == wanted else _NONE


cdef inline double now() noexcept:
    """Seconds of the clock that is never set."""
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec + time.tv_nsec * 1e-9


cdef class FastPath:
    """Stores messages of one stream, each by itself."""

    cdef object stream
    cdef object rounds
    cdef object worker
    cdef object try_now
    cdef object log
    cdef object writer
    cdef object index
    cdef object by_number
    cdef object chunks
    cdef object cache
    cdef object tail
    cdef object budget
    cdef object removals
    cdef object file
    cdef object known  # the file whose descriptor that is
    cdef int descriptor
    cdef int64_t offset
    cdef bytes record

    def __init__(self, stream):
        self.stream = stream
        self.rounds = stream._rounds
        self.worker = stream._rounds._worker
        self.try_now = self.worker.try_now
        self.log = stream._log
        self.writer = stream.writer
        self.index = stream._index
        self.chunks = stream._index._chunks
        self.by_number = self.chunks.by_number
        self.cache = stream._index._cache
        self.tail = stream._tail
        self.budget = stream._tail._budget
        self.removals = stream._removals

    def __call__(self):
        """Write the message; the worker calls it."""
        self.write()

    cdef int write(self) except -1:
        """See `File.put`, which is left what cannot be written in one go, and the error that there may be."""
        cdef const char *data = PyBytes_AS_STRING(self.record)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(self.record)
        cdef Py_ssize_t written = -1
        if self.file is not self.known:
            self.descriptor = self.file.descriptor
            self.known = self.file
        if self.descriptor >= 0:
            with nogil:
                written = pwrite(self.descriptor, data, size, self.offset)
        if written != size:
            self.file.put(self.offset, self.record)
        return 0

    cdef int write_here(self) except -1:
        """Write the message, and tell the worker if that was slow."""
        cdef double began = now()
        self.write()
        if now() - began > QUICK:
            self.worker.was_slow()
        return 0

    cdef bint is_open(self) except -1:
        """Whether a message may be written here and now: see `FileStream.commit_now`."""
        stream, rounds, writer = self.stream, self.rounds, self.writer
        if get(rounds, ROUNDS__RUNNING) or get(rounds, ROUNDS__STOPPED):
            return False
        if not (get(rounds, ROUNDS_INTERVAL) or stream.relaxed):
            return False
        if stream._waiting or stream._journal_wanted or not stream.is_made or stream._gone:
            return False
        log = self.log
        if log.failure is not None or log._undo:
            return False
        return not (get(writer, WRITER__PARTS) or get(writer, WRITER__STALE) or get(writer, WRITER__CUT))

    def store(self, bytes subject not None, bytes headers not None, bytes payload not None, int64_t time, int64_t most):
        """See `StreamLog.store_now`."""
        cdef int64_t offset, length, size, last_time
        cdef uint64_t sequence, removed = 0, place
        cdef uint32_t id_ = 0, checksum
        cdef int kind = MESSAGE
        if not self.is_open():
            return 0
        writer, index = self.writer, self.index
        active = get(writer, WRITER_ACTIVE)
        if active is None or get(active, SEGMENT_FILE) is None or get(active, SEGMENT_COLUMNS) is None:
            return 0
        sequence = <uint64_t>get(index, INDEX_LAST) + 1
        chunk = (<dict>self.by_number).get(sequence >> SPAN_BITS)
        if chunk is None or get(chunk, CHUNK_IS_PACKED):
            return 0
        found = (<dict>get(get(index, INDEX__SUBJECTS), SUBJECTS_IDS)).get(subject)
        if found is not None:
            id_ = found
            if most > 0 and not self.find_excess(id_, most, &removed):
                return 0
        last_time = get(index, INDEX_LAST_TIME)
        if time < last_time:
            time = last_time
        length = LEAST + PyBytes_GET_SIZE(subject) + PyBytes_GET_SIZE(headers) + PyBytes_GET_SIZE(payload)
        if removed:
            kind = REMOVING_MESSAGE
            length += REMOVED_SIZE
        offset = get(active, SEGMENT_END)
        if length > QUICK_BYTES or offset + length > <int64_t>get(writer, WRITER_SIZE):
            return 0
        if offset + length > <int64_t>get(active, SEGMENT_ALLOCATED):
            return 0
        written = <tuple>get(writer, WRITER_WRITTEN)
        if <int64_t>(<tuple>written)[0] != <int64_t>get(active, SEGMENT_NUMBER) or <int64_t>(<tuple>written)[2] != offset:
            return 0
        if get(writer, WRITER__NEW_EPOCH):
            kind |= FIRST_OF_EPOCH
        self.record = encoded(
            <uint8_t>kind, <uint8_t>get(writer, WRITER_EPOCH), sequence, time, subject, headers, payload, removed,
            <uint32_t>get(writer, WRITER__CHECKSUM),
            <uint32_t>get(active, SEGMENT_SALT) ^ <uint32_t>offset,
            &checksum,
        )
        self.file, self.offset = get(active, SEGMENT_FILE), offset
        try:
            if self.worker.is_free:
                self.write_here()
            elif not self.try_now(self):
                return 0
        except OSError:
            self.stream._has_failed = True
            return 0
        finally:
            self.file = self.record = None
        size = OVERHEAD + PyBytes_GET_SIZE(subject) + PyBytes_GET_SIZE(payload)
        place = <uint64_t>get(active, SEGMENT_NUMBER) << 32 | <uint64_t>offset
        if PyBytes_GET_SIZE(headers):
            size += HEADERS + PyBytes_GET_SIZE(headers)
            place |= WITH_HEADERS
        self.note_written(active, sequence, time, offset + length, checksum)
        self.note_columns(get(active, SEGMENT_COLUMNS), sequence, subject, place, time, size, removed)
        self.note_index(chunk, sequence, id_, subject, place, time, size)
        self.note_tail(subject, headers, payload)
        self.end(active, sequence, removed)
        return sequence

    def read_last(self, bytes subject not None):
        """See `StreamLog.read_last`; the log finds what is not among the newest messages."""
        subjects = get(self.index, INDEX__SUBJECTS)
        id_ = (<dict>get(subjects, SUBJECTS_IDS)).get(subject)
        if id_ is not None:
            last = (<array.array?>get(subjects, SUBJECTS_LASTS)).data.as_ulonglongs[<uint32_t>id_]
            message = (<dict>get(self.tail, TAIL__MESSAGES)).get(last)
            if message is not None and (<tuple>message)[2] == subject:
                return message
        return self.log.find_last(subject)

    cdef bint find_excess(self, uint32_t id_, int64_t most, uint64_t *removed) except -1:
        """What has to go, at most one; False if that is more. See `SubjectIndex.excess`."""
        index = self.index
        subjects = get(index, INDEX__SUBJECTS)
        cdef uint64_t count = (<array.array?>get(subjects, SUBJECTS_COUNTS)).data.as_ulonglongs[id_]
        cdef uint64_t found
        if count + 1 <= <uint64_t>most:
            return True
        if count + 1 - most > 1:
            return False
        ends = get(subjects, SUBJECTS_LASTS if count == 1 else SUBJECTS_FIRSTS)
        found = (<array.array?>ends).data.as_ulonglongs[id_]
        if not self.is_of(found, id_):
            found = index._last_of(id_) if count == 1 else index._first_of(id_)
        removed[0] = found
        return found != 0

    cdef bint is_of(self, uint64_t sequence, uint32_t id_) except -1:
        """See `ChunkList.is_of`."""
        cdef Py_ssize_t slot
        chunk = (<dict>self.by_number).get(sequence >> SPAN_BITS)
        if chunk is None or get(chunk, CHUNK_IS_PACKED):
            return False
        ids = get(chunk, CHUNK_IDS)
        slot = slot_of(chunk, ids, sequence)
        return slot != _NONE and (<array.array?>ids).data.as_uints[slot] == id_

    cdef int note_written(self, active, uint64_t sequence, int64_t time, int64_t end, checksum) except -1:
        """See `MessageWriter.append` and `write_now`."""
        writer = self.writer
        put(writer, WRITER__NEW_EPOCH, False)
        put(writer, WRITER__CHECKSUM, checksum)
        put(writer, WRITER_LAST, sequence)
        put(writer, WRITER_LAST_TIME, time)
        put(writer, WRITER__UNSYNCED, True)
        put(active, SEGMENT_END, end)
        put(active, SEGMENT_LAST, sequence)
        put(active, SEGMENT_LIVE, <int64_t>get(active, SEGMENT_LIVE) + 1)
        return 0

    cdef int note_columns(
        self, columns, uint64_t sequence, bytes subject, uint64_t place, int64_t time, int64_t size, uint64_t removed
    ) except -1:
        """See `SegmentColumns.add`; then the writer knows how far all is written."""
        writer = self.writer
        active = get(writer, WRITER_ACTIVE)
        number, end = get(active, SEGMENT_NUMBER), get(active, SEGMENT_END)
        id_ = (<dict>get(columns, COLUMNS__NAMES)).get(subject)
        if id_ is None:
            id_ = columns.number_of(subject)
        put64(get(columns, COLUMNS_SEQUENCES), sequence)
        put32(get(columns, COLUMNS_IDS), id_)
        put64(get(columns, COLUMNS_PLACES), place)
        put64(get(columns, COLUMNS_TIMES), <uint64_t>time)
        put32(get(columns, COLUMNS_SIZES), <uint32_t>size)
        removes = get(columns, COLUMNS_REMOVES)
        if removed:
            put64(removes, removed)
        messages, removed_ones = len(<array.array>get(columns, COLUMNS_IDS)), len(<array.array?>removes)
        point = new_tuple(Point, 8)
        set_value(point, 0, number)
        set_value(point, 1, True)
        set_value(point, 2, end)
        set_value(point, 3, get(writer, WRITER__CHECKSUM))
        set_value(point, 4, messages)
        set_value(point, 5, removed_ones)
        set_value(point, 6, get(writer, WRITER_LAST))
        set_value(point, 7, get(writer, WRITER_LAST_TIME))
        put(writer, WRITER_WRITTEN, point)
        return 0

    cdef int note_index(
        self, chunk, uint64_t sequence, uint32_t id_, bytes subject, uint64_t place, int64_t time, int64_t size
    ) except -1:
        """See `Index.append` and `Chunk.append`."""
        cdef array.array lasts
        cdef array.array ids
        index, cache = self.index, self.cache
        if id_:
            lasts = <array.array?>get(get(index, INDEX__SUBJECTS), SUBJECTS_LASTS)
            self.link(lasts.data.as_ulonglongs[id_], sequence)
            lasts.data.as_ulonglongs[id_] = sequence
        else:
            id_ = index._new_subject(subject, sequence)
        ids = <array.array?>get(chunk, CHUNK_IDS)
        offsets = get(chunk, CHUNK_OFFSETS)
        if offsets is None and sequence != <uint64_t>get(chunk, CHUNK_START) + len(ids):
            offsets = chunk._have_gaps()
        if offsets is not None:
            put16(offsets, <uint16_t>(sequence - <uint64_t>get(chunk, CHUNK_BASE)))
        put32(ids, id_)
        put64(get(chunk, CHUNK_PLACES), place)
        put64(get(chunk, CHUNK_TIMES), <uint64_t>time)
        put32(get(chunk, CHUNK_SIZES), <uint32_t>size)
        put32(get(chunk, CHUNK_FOLLOWING), 0)
        put(chunk, CHUNK_LIVE, <int64_t>get(chunk, CHUNK_LIVE) + 1)
        (<array.array?>get(get(index, INDEX__SUBJECTS), SUBJECTS_COUNTS)).data.as_ulonglongs[id_] += 1
        if cache.is_used:
            for each in cache.of(id_, subject):
                each.changed(sequence >> SPAN_BITS, 1)
        if not get(index, INDEX_COUNT):
            put(index, INDEX_FIRST, sequence)
        put(index, INDEX_COUNT, <int64_t>get(index, INDEX_COUNT) + 1)
        put(index, INDEX_SIZE, <int64_t>get(index, INDEX_SIZE) + size)
        put(index, INDEX_LAST, sequence)
        put(index, INDEX_LAST_TIME, time)
        return 0

    cdef int link(self, uint64_t last, uint64_t sequence) except -1:
        """See `ChunkList.link`."""
        cdef Py_ssize_t slot
        chunk = (<dict>self.by_number).get(last >> SPAN_BITS)
        if chunk is None:
            return 0
        if get(chunk, CHUNK_IS_PACKED) or sequence - last > _FARTHEST:
            self.chunks.link(last, sequence)
            return 0
        slot = slot_of(chunk, get(chunk, CHUNK_IDS), last)
        if slot != _NONE:
            (<array.array?>get(chunk, CHUNK_FOLLOWING)).data.as_uints[slot] = <uint32_t>(sequence - last)
        return 0

    cdef int note_tail(self, bytes subject, bytes headers, bytes payload) except -1:
        """See `Tail.add`."""
        tail, number = self.tail, get(self.writer, WRITER_LAST)
        message = new_tuple(StoredMessage, 5)
        set_value(message, 0, number)
        set_value(message, 1, get(self.writer, WRITER_LAST_TIME))
        set_value(message, 2, subject)
        set_value(message, 3, headers)
        set_value(message, 4, payload)
        (<dict>get(tail, TAIL__MESSAGES))[number] = message
        get(tail, TAIL__ORDER).append(number)
        cdef int64_t size = PyBytes_GET_SIZE(subject) + PyBytes_GET_SIZE(headers) + PyBytes_GET_SIZE(payload)
        put(tail, TAIL_SIZE, <int64_t>get(tail, TAIL_SIZE) + TAIL_OVERHEAD + size)
        return 0

    cdef int end(self, active, uint64_t sequence, uint64_t removed) except -1:
        """Remove what goes, and note that all is written: see `FileLog.written_now` and `Tail.now_written`."""
        cdef Py_ssize_t kept
        cdef int64_t size
        rounds, tail, stream = self.rounds, self.tail, self.stream
        if removed:
            if not self.remove(active, removed):
                self.log._remove(removed)
            waiting = get(self.removals, REMOVALS_SEQUENCES)
            (<list>waiting).append(removed)
            if get(self.removals, REMOVALS_EMPTY) or len(<list>waiting) > MOST_REMOVALS:
                self.log._later()
        order, messages = get(tail, TAIL__ORDER), <dict>get(tail, TAIL__MESSAGES)
        while order and order[0] not in messages:
            order.popleft()
        put(tail, TAIL_WRITTEN, sequence)
        kept = len(messages)
        size = get(tail, TAIL_SIZE)
        if size > OF_ONE or len(order) > 2 * kept + FEW:
            tail.shrink(OF_ONE)
            size = get(tail, TAIL_SIZE)
        if size != <int64_t>get(tail, TAIL_COUNTED) or self.budget.newest is not tail:
            self.budget.used(tail)
        if stream not in <dict>get(rounds, ROUNDS_UNSYNCED):
            rounds.sync_later(stream)
        return 0

    cdef bint remove(self, active, uint64_t sequence) except -1:
        """See `FileLog._remove`; False where that has to do it. The subject has another message."""
        cdef Py_ssize_t slot, count
        cdef uint32_t id_
        cdef uint64_t place
        cdef array.array ids, sizes
        cdef int64_t live
        index = self.index
        chunk = (<dict>self.by_number).get(sequence >> SPAN_BITS)
        if chunk is None or get(chunk, CHUNK_IS_PACKED):
            return False
        ids, sizes = <array.array?>get(chunk, CHUNK_IDS), <array.array?>get(chunk, CHUNK_SIZES)
        slot = slot_of(chunk, ids, sequence)
        count = len(ids)
        live = get(chunk, CHUNK_LIVE)
        if slot == _NONE or live <= 1 or ((live - 1) * 4 < count and count >= COMPACTED_FROM):
            return False
        id_ = ids.data.as_uints[slot]
        place = (<array.array?>get(chunk, CHUNK_PLACES)).data.as_ulonglongs[slot]
        if not id_ or place >> 32 & NUMBER != <uint64_t>get(active, SEGMENT_NUMBER):
            return False
        if self.cache.is_used or get(active, SEGMENT_MESSAGES):
            return False
        ids.data.as_uints[slot] = 0
        put(index, INDEX_SIZE, <int64_t>get(index, INDEX_SIZE) - sizes.data.as_uints[slot])
        sizes.data.as_uints[slot] = 0
        put(chunk, CHUNK_LIVE, live - 1)
        (<array.array?>get(get(index, INDEX__SUBJECTS), SUBJECTS_COUNTS)).data.as_ulonglongs[id_] -= 1
        put(index, INDEX_COUNT, <int64_t>get(index, INDEX_COUNT) - 1)
        if sequence == <uint64_t>get(index, INDEX_FIRST):
            put(index, INDEX_FIRST, self.next_after(chunk, ids, slot) or index.next(sequence + 1) or sequence + 1)
        self.forget(sequence)
        put(active, SEGMENT_LIVE, <int64_t>get(active, SEGMENT_LIVE) - 1)  # it has the new message: not empty
        return True

    cdef object next_after(self, chunk, array.array ids, Py_ssize_t slot):
        """The sequence of the next message in a chunk; 0 if there is none. See `Index.next`."""
        cdef Py_ssize_t count = len(ids)
        slot += 1
        while slot < count and not ids.data.as_uints[slot]:
            slot += 1
        if slot == count:
            return 0
        offsets = get(chunk, CHUNK_OFFSETS)
        if offsets is None:
            return <uint64_t>get(chunk, CHUNK_START) + slot
        return <uint64_t>get(chunk, CHUNK_BASE) + (<array.array?>offsets).data.as_ushorts[slot]

    cdef int forget(self, sequence) except -1:
        """See `Tail.discard`."""
        cdef int64_t size
        tail = self.tail
        message = (<dict>get(tail, TAIL__MESSAGES)).pop(sequence, None)
        if message is not None:
            _, _, subject, headers, payload = <tuple>message
            size = TAIL_OVERHEAD + len(<bytes>subject) + len(<bytes>headers) + len(<bytes>payload)
            put(tail, TAIL_SIZE, <int64_t>get(tail, TAIL_SIZE) - size)
        return 0
