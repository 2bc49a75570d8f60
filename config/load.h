/*
 * load: a conf in the making: its values and the users' names go in one by one, and what is wrong
 * with them is written down. Where they come from is conf_load.c's.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/conf_made.h"

struct load {
    struct conf *c;
    const char *name; /* of the file, for people */
    unsigned users;   /* enum setting_user, or'ed */
    struct buf *mistakes;
    bool bad;  /* a mistake was made */
    bool full; /* there are too many names, and it was said */
};

void load_mistake(struct load *l, const char *origin, const char *format, ...) PRINTF_LIKE(3, 4);

/* Keeps a value that was checked. text.p NULL: the setting was given, but wrongly; it is then
 * neither missing nor its default. */
void load_put(struct conf *c, const struct setting *row, const char *path, struct view text,
              int64_t number, const char *origin);
/* Reads the file that a secret may name, checks the text by its row, and keeps it. */
void load_value(struct load *l, const struct setting *row, const char *path, struct view text,
                const char *origin);
/* The same, with ${ENV} put in before. */
void load_written(struct load *l, const struct setting *row, const char *path, struct view written,
                  const char *origin);

/* Remembers a name of the user's in a map; again is nothing. */
void load_name(struct load *l, struct view map, struct view name, const char *origin);
/* If the path goes through a name ("targets.main", "targets.main.url", "routes.*"), remembers it.
 * False, with a mistake, if it can't be one. */
bool load_path_name(struct load *l, const char *path, const char *origin);
void load_refuse_name(struct load *l, const char *path, struct view name, const char *origin);

#endif
