/*
 * rights_doc: the rights of Redis' ACL that docs/OPERATIONS.md says `consume` needs, as ACL SETUSER
 * takes them: "+del +eval …".
 */
#ifndef TESTS_FAKES_RIGHTS_DOC_H
#define TESTS_FAKES_RIGHTS_DOC_H

#define RIGHTS_DOC_MAX 512

struct rights_doc {
    char asked[RIGHTS_DOC_MAX]; /* those that are asked for at the start: its first line */
    char all[RIGHTS_DOC_MAX];
};

/* Fails the test (cmocka) where the page has no such list. */
void rights_doc_read(struct rights_doc *out);

#endif
