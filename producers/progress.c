#include "producers/progress.h"

#include "bridge/core/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH       40
#define BAR_LEAST       4
#define COLUMNS_DEFAULT 79
#define LINE_MAX_BYTES  256
#define COUNT_STEP      1000 /* how often a mere count is drawn */

void progress_init(struct progress *p, const char *what, int64_t total)
{
    *p = (struct progress){
        .what = what, .total = total, .shown = -1, .terminal = isatty(STDERR_FILENO) == 1};
}

void progress_at(struct progress *p, int64_t done)
{
    progress_at_both(p, done, 0);
}

/* Of the terminal, as it is now; it may be made narrower. The last one stays free, as some begin a
 * new line behind it. */
static int columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col - 1;
}

/* What does not fit goes: the bar's length, the bar, the second figure. */
static void draw(const struct progress *p, int mark, int also_mark, struct buf *line)
{
    int room = columns();
    int bar_room = room - (int)(strlen(p->what) + strlen(" [] 100%"));
    char also[64] = "";

    if (p->also != NULL)
        (void)snprintf(also, sizeof also, ", %s %d%%", p->also, also_mark);
    bar_room -= (int)strlen(also);
    if (bar_room + (int)strlen(" []") < 0)
        also[0] = '\0';
    buf_printf(line, "%s ", p->what);
    if (bar_room >= BAR_LEAST) {
        int width = bar_room < BAR_WIDTH ? bar_room : BAR_WIDTH;

        buf_put_char(line, '[');
        for (int i = 0; i < width; i++)
            buf_put_char(line, i < mark * width / 100 ? '#' : ' ');
        buf_put_text(line, "] ");
    }
    buf_printf(line, "%3d%%%s", mark, also);
    if ((size_t)room < line->n)
        line->n = (size_t)room;
}

void progress_at_both(struct progress *p, int64_t done, int64_t also)
{
    int64_t mark = p->total > 0 ? done * 100 / p->total : done / COUNT_STEP;
    int64_t also_mark = p->also != NULL && p->total > 0 ? also * 100 / p->total : 0;
    struct buf line;

    if (!p->terminal || (mark == p->shown && also_mark == p->also_shown))
        return;
    p->shown = mark;
    p->also_shown = also_mark;
    buf_init(&line, LINE_MAX_BYTES);
    if (p->total > 0)
        draw(p, (int)(mark > 100 ? 100 : mark), (int)also_mark, &line);
    else
        buf_printf(&line, "%s %" PRId64, p->what, done);
    fprintf(stderr, "\r%s", buf_text(&line));
    fflush(stderr);
    buf_done(&line);
}

void progress_end(struct progress *p)
{
    if (p->terminal && p->shown >= 0)
        fprintf(stderr, "\r\033[K");
    p->shown = -1;
}
