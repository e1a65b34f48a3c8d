"""The only part of the program that writes to an inspected server: behind a lock, a confirmed plan, and conditions."""
