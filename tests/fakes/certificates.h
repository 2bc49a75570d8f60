/*
 * certificates: two authorities and certificates of theirs, made by openssl in a private directory,
 * each NAME.pem with its NAME.key:
 *
 *   ours, theirs      the authorities; in the directory `system`, ours is a system's authority
 *   server            of ours, for localhost
 *   elsewhere         of ours, for another host
 *   client, stranger  a client's, of ours and of theirs
 */
#ifndef TESTS_FAKES_CERTIFICATES_H
#define TESTS_FAKES_CERTIFICATES_H

struct certificates {
    char dir[32];
};

/* Ends the program with 77 (skipped) and words where there is no openssl. */
void certificates_make(struct certificates *c);
void certificates_remove(const struct certificates *c);
/* The path of a file there; holds for seven more calls. */
const char *certificates_file(const struct certificates *c, const char *name);

#endif
