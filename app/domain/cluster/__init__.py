"""Several servers as one.

cluster             which servers belong to it, and what is done when one comes or leaves
events              what is logged
info                the INFO that two servers exchange
interest_announcer  sends the subscriptions of local clients to the other servers
liveness            which servers answer
rejections          peers that were turned away: they wait longer each time
route_dialer        which servers to dial, and when again
route_session       one route
route_url           the address of a server, as given
"""
