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
    progress_at_both(p, done, 0);
}

void progress_at_both(struct progress *p, int64_t done, int64_t also)
{
    static const char bar[] = "########################################";
    int64_t mark = p->total > 0 ? done * 100 / p->total : done / COUNT_STEP;
    int64_t also_mark = p->also != NULL && p->total > 0 ? also * 100 / p->total : 0;
    int filled;

    if (!p->terminal || (mark == p->shown && also_mark == p->also_shown))
        return;
    p->shown = mark;
    p->also_shown = also_mark;
    if (p->total > 0) {
        filled = (int)(mark > 100 ? BAR_WIDTH : mark * BAR_WIDTH / 100);
        fprintf(stderr, "\r%s [%.*s%*s] %3d%%", p->what, filled, bar, BAR_WIDTH - filled, "",
                (int)(mark > 100 ? 100 : mark));
        if (p->also != NULL)
            fprintf(stderr, ", %s %d%%", p->also, (int)also_mark);
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
