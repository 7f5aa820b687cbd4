"""What a server hosts: streams and their consumers, their subscriptions, and what they use together."""
