"""The benchmark: `python -m tests.bench`, described in docs/performance.md. Nothing here is a test."""
