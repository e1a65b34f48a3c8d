"""What the window shows, worked out without Qt: order, filter, search, timeline."""
