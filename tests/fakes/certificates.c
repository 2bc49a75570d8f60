#include "tests/fakes/certificates.h"

#include <stdio.h>
#include <stdlib.h>

static const char script[] =
    "set -e; cd '%s'\n"
    "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
    "-subj \"/CN=$1\" -keyout $1.key -out $1.pem; }\n"
    "leaf() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj \"/CN=$1\" "
    "-keyout $1.key -out $1.csr\n"
    "printf 'subjectAltName=%%s\\n' \"$3\" >$1.ext\n"
    "openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 "
    "-extfile $1.ext -out $1.pem; }\n"
    "exec >log 2>&1\n"
    "ca ours; ca theirs\n"
    "leaf server ours DNS:localhost\n"
    "leaf elsewhere ours DNS:elsewhere.example\n"
    "leaf client ours DNS:client\n"
    "leaf stranger theirs DNS:client\n"
    "mkdir system; cp ours.pem system/$(openssl x509 -noout -hash -in ours.pem).0\n";

void certificates_make(struct certificates *c)
{
    char command[4096];

    if (system("command -v openssl >/dev/null 2>&1") != 0) {
        printf("skipped: openssl is not installed\n");
        exit(77);
    }
    *c = (struct certificates){"/tmp/cmibridge-tls-XXXXXX"};
    if (mkdtemp(c->dir) != NULL) {
        snprintf(command, sizeof command, script, c->dir);
        if (system(command) == 0)
            return;
    }
    printf("the certificates can't be made in %s\n", c->dir);
    exit(1);
}

void certificates_remove(const struct certificates *c)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r '%s'", c->dir);
    (void)!system(command);
}

const char *certificates_file(const struct certificates *c, const char *name)
{
    static char paths[8][96];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", c->dir, name);
    return path;
}
