"""Leaf nodes: links to servers outside the cluster, which have users and limits of their own."""
