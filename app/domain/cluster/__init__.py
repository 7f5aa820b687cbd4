"""The cluster: a full mesh of servers, and what they tell each other (cluster-protocol.md).

mesh        who belongs to it: registers routes, spreads news, forgets the lost
session     the conversation over one route
solicitor   whom to dial, and when again
herald      tells the other servers what local clients listen to
info, url   what stands in an INFO, and where a route leads
events      facts for the log
"""
