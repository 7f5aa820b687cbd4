"""Fields of the objects that a message passes, at their places in memory: a search by name takes ten times as long.

All of these classes have `__slots__`; one that had not would make the import fail.
"""

from ...domain.jetstream.storage import chunk as chunks, index as indexes, subject_table
from . import footer, removals as all_removals, rounds as all_rounds, segment as segments, tail as tails, writer as writers

cdef extern from *:
    """
    #include <structmember.h>

    /* Fields of objects that have `__slots__`, without a search for their names. */
    static Py_ssize_t place_of_slot(PyObject *kind, PyObject *name) {
        PyObject *descriptor = PyObject_GetAttr(kind, name);
        Py_ssize_t place = -1;
        if (descriptor == NULL) {
            return -1;
        }
        if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
            PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
            /* 16 is T_OBJECT_EX, by its other name in later versions Py_T_OBJECT_EX: what a slot is. */
            place = member->type == 16 ? member->offset : -1;
        }
        Py_DECREF(descriptor);
        if (place < 0) {
            PyErr_Format(PyExc_ImportError, "%S has no slot named %S", kind, name);
        }
        return place;
    }

    static inline PyObject *slot_get(PyObject *owner, Py_ssize_t place) {
        PyObject *value = *(PyObject **)((char *)owner + place);
        if (value == NULL) {
            PyErr_SetString(PyExc_AttributeError, "a field has no value");
            return NULL;
        }
        Py_INCREF(value);
        return value;
    }

    static inline void slot_put(PyObject *owner, Py_ssize_t place, PyObject *value) {
        PyObject **slot = (PyObject **)((char *)owner + place);
        PyObject *before = *slot;
        Py_INCREF(value);
        *slot = value;
        Py_XDECREF(before);
    }
    """
    Py_ssize_t place_of_slot(object kind, object name) except -1
    object get "slot_get"(object owner, Py_ssize_t place)
    void put "slot_put"(object owner, Py_ssize_t place, object value)

cdef extern from *:
    """
    /* A named tuple without values; each is set once. */
    static inline PyObject *new_tuple(PyObject *kind, Py_ssize_t count) {
        return ((PyTypeObject *)kind)->tp_alloc((PyTypeObject *)kind, count);
    }

    static inline void set_value(PyObject *fields, Py_ssize_t place, PyObject *value) {
        Py_INCREF(value);
        PyTuple_SET_ITEM(fields, place, value);
    }
    """
    object new_tuple(object kind, Py_ssize_t count)
    void set_value(object fields, Py_ssize_t place, object value)

cdef Py_ssize_t INDEX__SUBJECTS = place_of_slot(indexes.Index, "_subjects")
cdef Py_ssize_t INDEX_COUNT = place_of_slot(indexes.Index, "count")
cdef Py_ssize_t INDEX_FIRST = place_of_slot(indexes.Index, "first")
cdef Py_ssize_t INDEX_LAST = place_of_slot(indexes.Index, "last")
cdef Py_ssize_t INDEX_LAST_TIME = place_of_slot(indexes.Index, "last_time")
cdef Py_ssize_t INDEX_SIZE = place_of_slot(indexes.Index, "size")
cdef Py_ssize_t SUBJECTS_COUNTS = place_of_slot(subject_table.SubjectTable, "counts")
cdef Py_ssize_t SUBJECTS_FIRSTS = place_of_slot(subject_table.SubjectTable, "firsts")
cdef Py_ssize_t SUBJECTS_IDS = place_of_slot(subject_table.SubjectTable, "ids")
cdef Py_ssize_t SUBJECTS_LASTS = place_of_slot(subject_table.SubjectTable, "lasts")
cdef Py_ssize_t CHUNK_BASE = place_of_slot(chunks.Chunk, "base")
cdef Py_ssize_t CHUNK_FOLLOWING = place_of_slot(chunks.Chunk, "following")
cdef Py_ssize_t CHUNK_IDS = place_of_slot(chunks.Chunk, "ids")
cdef Py_ssize_t CHUNK_IS_PACKED = place_of_slot(chunks.Chunk, "is_packed")
cdef Py_ssize_t CHUNK_LIVE = place_of_slot(chunks.Chunk, "live")
cdef Py_ssize_t CHUNK_OFFSETS = place_of_slot(chunks.Chunk, "offsets")
cdef Py_ssize_t CHUNK_PLACES = place_of_slot(chunks.Chunk, "places")
cdef Py_ssize_t CHUNK_SIZES = place_of_slot(chunks.Chunk, "sizes")
cdef Py_ssize_t CHUNK_START = place_of_slot(chunks.Chunk, "start")
cdef Py_ssize_t CHUNK_TIMES = place_of_slot(chunks.Chunk, "times")
cdef Py_ssize_t WRITER__CHECKSUM = place_of_slot(writers.MessageWriter, "_checksum")
cdef Py_ssize_t WRITER__CUT = place_of_slot(writers.MessageWriter, "_cut")
cdef Py_ssize_t WRITER__NEW_EPOCH = place_of_slot(writers.MessageWriter, "_new_epoch")
cdef Py_ssize_t WRITER__PARTS = place_of_slot(writers.MessageWriter, "_parts")
cdef Py_ssize_t WRITER__STALE = place_of_slot(writers.MessageWriter, "_stale")
cdef Py_ssize_t WRITER__UNSYNCED = place_of_slot(writers.MessageWriter, "_unsynced")
cdef Py_ssize_t WRITER_ACTIVE = place_of_slot(writers.MessageWriter, "active")
cdef Py_ssize_t WRITER_EPOCH = place_of_slot(writers.MessageWriter, "epoch")
cdef Py_ssize_t WRITER_LAST = place_of_slot(writers.MessageWriter, "last")
cdef Py_ssize_t WRITER_LAST_TIME = place_of_slot(writers.MessageWriter, "last_time")
cdef Py_ssize_t WRITER_SIZE = place_of_slot(writers.MessageWriter, "size")
cdef Py_ssize_t WRITER_WRITTEN = place_of_slot(writers.MessageWriter, "written")
cdef Py_ssize_t SEGMENT_ALLOCATED = place_of_slot(segments.Segment, "allocated")
cdef Py_ssize_t SEGMENT_COLUMNS = place_of_slot(segments.Segment, "columns")
cdef Py_ssize_t SEGMENT_END = place_of_slot(segments.Segment, "end")
cdef Py_ssize_t SEGMENT_FILE = place_of_slot(segments.Segment, "file")
cdef Py_ssize_t SEGMENT_LAST = place_of_slot(segments.Segment, "last")
cdef Py_ssize_t SEGMENT_LIVE = place_of_slot(segments.Segment, "live")
cdef Py_ssize_t SEGMENT_MESSAGES = place_of_slot(segments.Segment, "messages")
cdef Py_ssize_t SEGMENT_NUMBER = place_of_slot(segments.Segment, "number")
cdef Py_ssize_t SEGMENT_SALT = place_of_slot(segments.Segment, "salt")
cdef Py_ssize_t COLUMNS__NAMES = place_of_slot(footer.SegmentColumns, "_names")
cdef Py_ssize_t COLUMNS_IDS = place_of_slot(footer.SegmentColumns, "ids")
cdef Py_ssize_t COLUMNS_PLACES = place_of_slot(footer.SegmentColumns, "places")
cdef Py_ssize_t COLUMNS_REMOVES = place_of_slot(footer.SegmentColumns, "removes")
cdef Py_ssize_t COLUMNS_SEQUENCES = place_of_slot(footer.SegmentColumns, "sequences")
cdef Py_ssize_t COLUMNS_SIZES = place_of_slot(footer.SegmentColumns, "sizes")
cdef Py_ssize_t COLUMNS_TIMES = place_of_slot(footer.SegmentColumns, "times")
cdef Py_ssize_t TAIL__MESSAGES = place_of_slot(tails.Tail, "_messages")
cdef Py_ssize_t TAIL__ORDER = place_of_slot(tails.Tail, "_order")
cdef Py_ssize_t TAIL_COUNTED = place_of_slot(tails.Tail, "counted")
cdef Py_ssize_t TAIL_SIZE = place_of_slot(tails.Tail, "size")
cdef Py_ssize_t TAIL_WRITTEN = place_of_slot(tails.Tail, "written")
cdef Py_ssize_t ROUNDS__RUNNING = place_of_slot(all_rounds.Rounds, "_running")
cdef Py_ssize_t ROUNDS__STOPPED = place_of_slot(all_rounds.Rounds, "_stopped")
cdef Py_ssize_t ROUNDS_INTERVAL = place_of_slot(all_rounds.Rounds, "interval")
cdef Py_ssize_t ROUNDS_UNSYNCED = place_of_slot(all_rounds.Rounds, "unsynced")
cdef Py_ssize_t REMOVALS_SEQUENCES = place_of_slot(all_removals.PendingRemovals, "_sequences")
cdef Py_ssize_t REMOVALS_EMPTY = place_of_slot(all_removals.PendingRemovals, "_empty")
