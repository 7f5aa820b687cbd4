"""What monitoring shows of the broker: snapshots, closed and slow clients, the rows of a page."""
