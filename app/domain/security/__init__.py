"""Who a peer is and how its link is protected: credentials, keys, certificates, names of TLS."""
