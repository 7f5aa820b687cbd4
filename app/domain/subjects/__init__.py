"""Subjects, the trie that looks patterns up, and the changes that a plan has to know."""
