"""Hooks that keep an eye on orders: who publishes them, what is in them, and who sees the price."""

import json

import pynatsd


class OrdersPolicy(pynatsd.Hooks):
    """Orders are JSON objects; they carry the name of their shop, and the public sees no price."""

    patterns = ("orders.>",)
    time_limit = 0.5
    on_error = pynatsd.Refuse("the policy for orders is down")

    def connect(self, event: pynatsd.HookEvent) -> pynatsd.Refuse | None:
        """Everybody has a name."""
        return None if event.client.name else pynatsd.Refuse("give your client a name")

    def publish(self, event: pynatsd.HookEvent) -> pynatsd.Refuse | pynatsd.Rewrite:
        """An order is a JSON object. It gets a header with the name of its publisher."""
        if _read(event.data) is None:
            return pynatsd.Refuse("an order is a JSON object")
        return pynatsd.Rewrite(headers={**event.headers, "Shop": event.client.name})

    def deliver(self, event: pynatsd.HookEvent) -> pynatsd.Rewrite | None:
        """Clients whose name begins with ``public`` get orders without their price."""
        order = _read(event.data)
        if order is None or not event.client.name.startswith("public"):
            return None
        order.pop("price", None)
        return pynatsd.Rewrite(data=json.dumps(order).encode())


def make() -> OrdersPolicy:
    """For the configuration file: ``hooks { factory: "orders_policy:make" }``."""
    return OrdersPolicy()


def _read(data: bytes) -> dict[str, object] | None:
    try:
        order = json.loads(data)
    except ValueError:
        return None
    return order if isinstance(order, dict) else None
