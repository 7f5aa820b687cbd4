"""A message of a leaf link is for the queue groups alone that its line names, in the compiled twin."""

# Uses of message: Message, is_blank
# Uses of plan: Group, Plan

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcmp

from . import narrowing

cdef Py_ssize_t MOST_KEPT = narrowing.MOST_KEPT


cdef inline bint is_named(Message *message, bytes name) noexcept:
    """Whether the name is one of those in the line."""
    cdef const char *text = message.line + message.names
    cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
    cdef Py_ssize_t i = 0, start
    if message.names_size == size:
        return size and memcmp(text, PyBytes_AS_STRING(name), size) == 0
    while i < message.names_size:
        while i < message.names_size and is_blank(text[i]):
            i += 1
        start = i
        while i < message.names_size and not is_blank(text[i]):
            i += 1
        if i - start == size and size and memcmp(text + start, PyBytes_AS_STRING(name), size) == 0:
            return True
    return False


cdef Plan narrowed(Plan plan, Message *message):
    """See `narrowing.narrowed`."""
    cdef Py_ssize_t count = PyTuple_GET_SIZE(plan.groups)
    cdef Py_ssize_t i, named = 0
    cdef int choice = 0
    cdef Plan found = None
    cdef tuple parts
    if count == 1:
        parts = <tuple>PyTuple_GET_ITEM(plan.groups, 0)
        if PyTuple_GET_SIZE(parts) and is_named(message, (<Group>PyTuple_GET_ITEM(parts, 0)).name):
            return plan
    for i in range(count):
        parts = <tuple>PyTuple_GET_ITEM(plan.groups, i)
        if PyTuple_GET_SIZE(parts) and is_named(message, (<Group>PyTuple_GET_ITEM(parts, 0)).name):
            named += 1
            if i < MOST_KEPT:
                choice |= 1 << i
    if named == count:
        return plan
    if count <= MOST_KEPT:
        if plan.narrower is None:
            plan.narrower = {}
        found = plan.narrower.get(choice)
    if found is None:
        found = narrower_plan(plan, message)
        if count <= MOST_KEPT:
            plan.narrower[choice] = found
    return found


cdef Plan narrower_plan(Plan plan, Message *message):
    cdef tuple parts
    cdef list kept = []
    for parts in plan.groups:
        if len(parts) and is_named(message, (<Group?>parts[0]).name):
            kept.append(parts)
    return Plan(plan.plain, kept, plan.refusal, plan.denied, plan.hook if plan.plain or kept else 0)
