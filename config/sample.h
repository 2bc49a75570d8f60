/*
 * sample: the table of settings as texts: a configuration file with everything in it, and
 * docs/CONFIGURATION.md. Both are kept in the repository, and a test compares them.
 */
#ifndef CONFIG_SAMPLE_H
#define CONFIG_SAMPLE_H

#include "bridge/core/buf.h"

#define SAMPLE_MAX (256 << 10) /* bytes of either */

/* YAML that loads without a mistake: what is required is given, the rest is commented out. */
void sample_yaml(struct buf *to);
void sample_markdown(struct buf *to);

#endif
