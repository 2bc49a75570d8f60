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

/* Beyond these a shared overflow series is handed out: what is added to it is shown nowhere, how
 * often it was handed out is "cmibridge_stats_overflow_total". */
#define STATS_MAX        4096 /* series */
#define STATS_LABELS_MAX 1024 /* bytes of one series' labels */

enum stat_kind { STAT_COUNTER, STAT_GAUGE, STAT_HISTOGRAM };

struct stats;
struct stat;

struct stats *stats_new(void);
void stats_free(struct stats *s);

/* One name has one kind: another is a defect (assert). name: e.g. "cmibridge_writes_total"; labels:
 * e.g. "target=\"main\",class=\"done\"" or "" (values already escaped: see stats_label). help is
 * kept as it is (static storage). Histograms hold seconds in buckets from 1 ms to 60 s. */
struct stat *stats_get(struct stats *s, enum stat_kind kind, const char *name, const char *labels,
                       const char *help);
/* Of the kinds said here; another is a defect (assert). Sums stay at the ends of int64_t. */
void stat_add(struct stat *st, int64_t n);         /* counter (n >= 0), gauge */
void stat_set(struct stat *st, int64_t n);         /* gauge */
void stat_observe_ms(struct stat *st, int64_t ms); /* histogram; below 0 counts as 0 */
int64_t stat_value(const struct stat *st);         /* histogram: the count; overflow series: 0 */
/* All gauges of that name are not shown until they are set again: what they are about may have
 * gone. */
void stats_hide(struct stats *s, const char *name);
/* Appends key="value" with the value escaped (control characters and what is not UTF-8 as '?': a
 * scrape with either is thrown away whole), and a comma if something stands before. What does not
 * fit is left out whole; the buffer is full then. */
void stats_label(struct buf *to, const char *key, struct view value);
/* Appends all series, grouped by name in order of first use, each group with HELP and TYPE. */
void stats_render(const struct stats *s, struct buf *to);

#endif
