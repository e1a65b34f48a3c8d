"""Reading a server: connect, discover, poll, page. Knows no Qt and no particular family; writes nothing."""
