/* floor PORT COUNT: every key of the server at 127.0.0.1:PORT with its type and time to live, as fast as one connection
 * allows: SCAN COUNT, and for each key found PTTL and TYPE, pipelined with the SCAN that finds the next ones.
 * Nothing is kept. Prints keys, seconds and CPU seconds. */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int connection;
static char *in, *out;
static size_t in_size = 1 << 22, in_from, in_to, out_size = 1 << 20, out_to;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void receive(void) {
    if (in_from == in_to) in_from = in_to = 0;
    if (in_to == in_size) {
        memmove(in, in + in_from, in_to - in_from);
        in_to -= in_from;
        in_from = 0;
        if (in_to == in_size && !(in = realloc(in, in_size *= 2))) fail("realloc");
    }
    ssize_t got = read(connection, in + in_to, in_size - in_to);
    if (got <= 0) fail("read");
    in_to += (size_t)got;
}

/* The next line without its end; valid until the next call of line or bulk. */
static char *line(void) {
    size_t seen = 0;
    for (;;) {
        char *end = memchr(in + in_from + seen, '\n', in_to - in_from - seen);
        if (end) {
            char *start = in + in_from;
            end[-1] = 0;
            in_from = (size_t)(end - in) + 1;
            if (*start == '-') {
                fprintf(stderr, "floor: the server answered %s\n", start);
                exit(1);
            }
            return start;
        }
        seen = in_to - in_from;
        receive();
    }
}

static char *bulk(size_t length) {
    while (in_to - in_from < length + 2) receive();
    char *start = in + in_from;
    in_from += length + 2;
    return start;
}

static void append(const char *bytes, size_t length) {
    while (out_to + length > out_size)
        if (!(out = realloc(out, out_size *= 2))) fail("realloc");
    memcpy(out + out_to, bytes, length);
    out_to += length;
}

static void ask(const char *head, const char *key, size_t length) {
    char text[64];
    append(text, (size_t)snprintf(text, sizeof text, "%s$%zu\r\n", head, length));
    append(key, length);
    append("\r\n", 2);
}

static void scan(const char *cursor, const char *count) {
    ask("*4\r\n$4\r\nSCAN\r\n", cursor, strlen(cursor));
    append("$5\r\nCOUNT\r\n", 11);
    ask("", count, strlen(count));
}

static void send_all(void) {
    for (size_t sent = 0; sent < out_to;) {
        ssize_t took = write(connection, out + sent, out_to - sent);
        if (took <= 0) fail("write");
        sent += (size_t)took;
    }
    out_to = 0;
}

static void dial(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address)) fail("connect");
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static double since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: floor PORT COUNT\n");
        return 2;
    }
    if (!(in = malloc(in_size)) || !(out = malloc(out_size))) fail("malloc");
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    dial(atoi(argv[1]));
    char cursor[32] = "0";
    long keys = 0, asked = 0;
    int more = 1;
    scan(cursor, argv[2]);
    send_all();
    while (more || asked) {
        for (long i = 0; i < 2 * asked; i++) line(); /* PTTL and TYPE of the keys before */
        asked = 0;
        if (!more) break;
        line();
        size_t length = strtoul(line() + 1, NULL, 10);
        if (length >= sizeof cursor) return 1;
        memcpy(cursor, bulk(length), length);
        cursor[length] = 0;
        more = strcmp(cursor, "0") != 0;
        asked = atol(line() + 1);
        for (long i = 0; i < asked; i++) {
            length = strtoul(line() + 1, NULL, 10);
            const char *key = bulk(length);
            ask("*2\r\n$4\r\nPTTL\r\n", key, length);
            ask("*2\r\n$4\r\nTYPE\r\n", key, length);
        }
        keys += asked;
        if (more) scan(cursor, argv[2]);
        send_all();
    }
    printf("{\"keys\": %ld, \"wall\": %.6f, \"cpu\": %.6f}\n", keys, since(&start), cpu());
    return 0;
}
