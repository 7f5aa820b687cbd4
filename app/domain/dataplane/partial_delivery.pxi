"""Messages of which the delivery to many receivers was interrupted, in the compiled twin."""

# Uses of inlet: Inlet
# Uses of message: Delivery, Message, arrange, canonical, finish_delivery, make_room_without_header, stride_of
# Uses of native: DataPlane
# Uses of outbox: Outbox
# Uses of plan: Plan

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.ref cimport PyObject, Py_INCREF
from libc.stdint cimport int64_t


@cython.final
cdef class PartialDelivery:
    """See `partial_delivery.PartialDelivery`."""

    cdef Plan plan
    cdef Py_ssize_t position
    cdef bytes data
    cdef Message message  # in `data`
    cdef bytes prefix     # see `canonical`; None if the line serves as it is
    cdef object shared    # see `Delivery`
    cdef Outbox skip      # see `deliver_from`
    cdef Inlet asker      # of the publisher, if it is to learn that nobody got it, which nobody has yet

    cdef inline void *skipped(self) noexcept:
        """See `deliver_from`."""
        return NULL if self.skip is None else <void *>self.skip

    cdef int begin(self, Delivery *delivery) except -1:
        """Let this be the delivery; `end` must follow."""
        arrange(delivery, &self.message, self.prefix)
        if self.shared is not None:
            Py_INCREF(self.shared)
            delivery.shared = <PyObject *>self.shared
        return 0

    cdef int end(self, Delivery *delivery) except -1:
        if delivery.shared is not NULL and self.shared is None:
            self.shared = <object>delivery.shared
        finish_delivery(delivery)
        return 0


cdef PartialDelivery partial_delivery_of(Message *message, Plan plan, Py_ssize_t position):
    """A message that has come as far as this receiver, copied."""
    cdef PartialDelivery partial = PartialDelivery.__new__(PartialDelivery)
    partial.data = PyBytes_FromStringAndSize(message.line, stride_of(message))
    partial.message = message[0]
    partial.message.line = PyBytes_AS_STRING(partial.data)
    partial.prefix = None if message.tail else canonical(&partial.message)
    partial.plan = plan
    partial.position = position
    return partial


cdef int deliver_rest(DataPlane plane, PartialDelivery partial) except -1:
    """Go on with a message that was interrupted."""
    cdef Delivery delivery, stripped
    cdef int64_t before = plane.out_msgs
    partial.begin(&delivery)
    make_room_without_header(&delivery, &partial.message, &stripped)
    try:
        plane.deliver_from(partial.plan, &delivery, &partial.position, partial.skipped())
    finally:
        partial.end(&delivery)
    if plane.out_msgs != before:
        partial.asker = None
    if partial.asker is not None and partial.position >= partial.plan.fanout():
        partial.asker.report_unheard(&partial.message)
    return 0
