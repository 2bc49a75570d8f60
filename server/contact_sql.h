/*
 * contact_sql: columns of contacts that are computed: durations in milliseconds against the time
 * ?1 while a contact lasts (contract 20). ?2 is the longest wrap-up that is not closed. A clock
 * that ran behind gives 0.
 */
#ifndef SERVER_CONTACT_SQL_H
#define SERVER_CONTACT_SQL_H

/* What waits is connected to nobody, also where it was told to wait by no event that says so (it
 * was received once more). */
#define CONTACT_CONNECT "CASE WHEN c.status <> 'InQueue' THEN c.connect_ms END"
#define CONTACT_TOTAL   "max(0, ifnull(c.disconnect_ms, ?1) - c.arrival_ms)"
#define CONTACT_WAITING                                                                            \
    "max(0, ifnull(" CONTACT_CONNECT ", ifnull(c.disconnect_ms, ?1)) - c.arrival_ms)"
#define CONTACT_HANDLING                                                                           \
    "max(0, ifnull(c.disconnect_ms, ?1) - " CONTACT_CONNECT ")" /* NULL without a connectTime */
#define CONTACT_WRAP_UP                                                                            \
    "CASE WHEN c.connect_ms IS NOT NULL AND c.disconnect_ms IS NOT NULL THEN"                      \
    " max(0, ifnull(c.wrapup_end_ms, min(?1, c.disconnect_ms + ?2)) - c.disconnect_ms) END"

#endif
