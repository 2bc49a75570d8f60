/*
 * settings: the configuration of what `cmibridge dev` runs, put together from three layers: the
 * built-in one, the user's file over it, and over both what dev itself decides (addresses, files).
 *
 * They are laid over each other setting by setting, as paths ("targets.main.url"); a list counts as
 * one setting. Texts are kept as written: ${ENV} and `file:` are for the reader of the result.
 */
#ifndef STANDALONE_SETTINGS_H
#define STANDALONE_SETTINGS_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define SETTINGS_TEXT_MAX (2 << 20) /* bytes of the result */

struct conf;
struct settings;

/* The built-in layer, and over it the file's (NULL: none); without the built-in user where it, or
 * the environment, says who signs on. NULL with every mistake of its YAML
 * appended to mistakes, one a line. */
struct settings *settings_new(const char *file, struct buf *mistakes);
void settings_free(struct settings *s); /* NULL is fine */

/* dev's own, in which ${ is no variable. Later calls for the same path replace. */
void settings_set(struct settings *s, const char *path, const char *text);
/* As if the user had set none that is named so, or begins so where `prefix` ends in '.': they are
 * dev's own. */
void settings_drop(struct settings *s, const char *prefix);
/* The first setting of the user's file, from *at on, that one of dev's own has replaced: its path,
 * and its line; *at is then behind it. NULL: no more. */
const char *settings_replaced(const struct settings *s, size_t *at, unsigned *line);

/* Reads the result as serve and consume will, mistakes with the lines of the user's file. NULL if
 * there was any. */
struct conf *settings_conf(const struct settings *s, struct buf *mistakes);
/* Writes it as a file that every command takes with --config. */
bool settings_save(const struct settings *s, const char *path, struct fault *f) MUST_CHECK;

#endif
