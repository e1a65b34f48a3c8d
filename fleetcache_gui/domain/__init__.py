"""What the inspector talks about: keys, rows, families, snapshots, findings. Pure: the standard library only."""
