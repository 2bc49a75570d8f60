/*
 * stats: counters, gauges and histograms as data, and their rendering as Prometheus text (0.0.4).
 *
 * A handle is found or made by name and labels once, at start or at first use, and kept; adding to
 * it is a plain addition. One thread owns a `struct stats`; handles live as long as it does.
 */
#ifndef BRIDGE_CORE_STATS_H
#define BRIDGE_CORE_STATS_H

#include "bridge/core/buf.h"

#include <stdint.h>

#define STATS_MAX 4096 /* series; beyond it a shared overflow series is handed out and counted */

enum stat_kind { STAT_COUNTER, STAT_GAUGE, STAT_HISTOGRAM };

struct stats;
struct stat;

struct stats *stats_new(void);
void stats_free(struct stats *s);

/* name: e.g. "cmibridge_writes_total"; labels: e.g. "target=\"main\",class=\"done\"" or "" (values
 * already escaped: see stats_label). help is kept as it is (static storage). Histograms hold
 * seconds in buckets from 1 ms to 60 s. */
struct stat *stats_get(struct stats *s, enum stat_kind kind, const char *name, const char *labels,
                       const char *help);
void stat_add(struct stat *st, int64_t n);         /* counter, gauge */
void stat_set(struct stat *st, int64_t n);         /* gauge */
void stat_observe_ms(struct stat *st, int64_t ms); /* histogram */
int64_t stat_value(const struct stat *st);         /* histogram: the count */
/* Appends key="value" with the value escaped, and a comma if something stands before. */
void stats_label(struct buf *to, const char *key, struct view value);
/* Appends all series, grouped by name in order of first use, each group with HELP and TYPE. */
void stats_render(const struct stats *s, struct buf *to);

#endif
