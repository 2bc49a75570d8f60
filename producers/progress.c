#include "producers/progress.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH  40
#define COUNT_STEP 1000 /* how often a mere count is drawn */

void progress_init(struct progress *p, const char *what, int64_t total)
{
    *p = (struct progress){
        .what = what, .total = total, .shown = -1, .terminal = isatty(STDERR_FILENO) == 1};
}

void progress_at(struct progress *p, int64_t done)
{
    static const char bar[] = "########################################";
    int64_t mark = p->total > 0 ? done * 100 / p->total : done / COUNT_STEP;
    int filled;

    if (!p->terminal || mark == p->shown)
        return;
    p->shown = mark;
    if (p->total > 0) {
        filled = (int)(mark > 100 ? BAR_WIDTH : mark * BAR_WIDTH / 100);
        fprintf(stderr, "\r%s [%.*s%*s] %3d%%", p->what, filled, bar, BAR_WIDTH - filled, "",
                (int)(mark > 100 ? 100 : mark));
    } else {
        fprintf(stderr, "\r%s %lld", p->what, (long long)done);
    }
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->terminal && p->shown >= 0)
        fprintf(stderr, "\r\033[K");
    p->shown = -1;
}
