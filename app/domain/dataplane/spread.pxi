"""Messages that were interrupted on their way to many receivers, in the compiled twin."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.ref cimport PyObject, Py_INCREF, Py_XDECREF


@cython.final
cdef class Spread:
    """See `spread.Spread`."""

    cdef Plan plan
    cdef Py_ssize_t position
    cdef bytes data
    cdef Message message  # in `data`
    cdef bytes prefix     # see `canonical`; None if the line serves as it is
    cdef object shared    # see `Delivery`

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
        Py_XDECREF(delivery.shared)
        return 0


cdef Spread spread_of(Message *message, Plan plan, Py_ssize_t position):
    """A message that has come as far as this receiver, copied."""
    cdef Spread spread = Spread.__new__(Spread)
    spread.data = PyBytes_FromStringAndSize(message.line, stride_of(message))
    spread.message = message[0]
    spread.message.line = PyBytes_AS_STRING(spread.data)
    spread.prefix = None if message.tail else canonical(&spread.message)
    spread.plan = plan
    spread.position = position
    return spread
