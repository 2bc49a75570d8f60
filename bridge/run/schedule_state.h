/*
 * schedule_state: what the files of the sending loop share. Private to bridge/run/schedule*.c.
 *
 *   schedule.c         the turn, the inputs, the end
 *   schedule_claim.c   shards: when to claim, how much, what becomes of it
 *   schedule_closed.c  what claims are told of senders that have enough, or can't send
 *   schedule_hold.c    slices held: their states, the fence, the way out
 *   schedule_window.c  what is marked next, and how much of a sender is at once
 *   schedule_pace.c    how fast senders go, and which of them are slow
 *   schedule_recipients.c  consents and gaps
 *   schedule_open.c    when a sender may send, and how long what it holds is worth sending
 *   schedule_write.c   settlements, and the writes that carry them
 *   schedule_senders.c senders: by address, and those of which something is held
 *   schedule_gate.c    senders' gates: what a rate lets through, pauses of all processes
 *   schedule_send.c    which request goes next, what its reply means
 *   schedule_stop.c    channels: what fails, what is stopped, by this process or another
 *   schedule_call.c    callbacks
 *   schedule_relay.c   outcomes: from the outbox to Kafka
 *   schedule_outcome.c what one looks like there
 */
#ifndef BRIDGE_RUN_SCHEDULE_STATE_H
#define BRIDGE_RUN_SCHEDULE_STATE_H

#include "bridge/core/far_clock.h"
#include "bridge/core/handover.h"
#include "bridge/core/heap.h"
#include "bridge/core/mask.h"
#include "bridge/core/pacer.h"
#include "bridge/core/shard.h"
#include "bridge/core/slot_pool.h"
#include "bridge/run/schedule.h"
#include "bridge/run/schedule_outcome.h"

#define SCHEDULE_HOLDINGS_MAX 16384
#define SCHEDULE_HELD_MAX     65536 /* destinations held at once, but for slow ones */
#define SCHEDULE_HELD_SHARD   2000  /* of one shard: then it is not claimed from */
/* Held of slow senders: with more, only one that runs dry gets any. */
#define SCHEDULE_SLOW_MAX      (1 << 20) /* destinations */
#define SCHEDULE_SLOW_HOLDINGS 8192
#define SCHEDULE_FAIL_HOLDINGS 4096 /* with more, one that fails gets none beside what it has */
#define SCHEDULE_CALLS_MAX                                                                         \
    1024 /* wait for the dialler: then none is claimed until half have gone */
#define SCHEDULE_QUANTUM      2     /* slices in a row of one message */
#define SCHEDULE_SLICES_FIRST 8     /* of a shard's claim, so that one call has many shards */
#define SCHEDULE_SLICES_MORE  16    /* where it brought all that were asked for */
#define SCHEDULE_GAP_WORTH_MS 10000 /* who waits longer for a gap is not held meanwhile */
#define SCHEDULE_POLL_MS      1000  /* a shard is looked at that often, whatever is known of it */
#define SCHEDULE_LAST_MS      1000  /* who has stopped a channel tries it so long after others */
#define SCHEDULE_AHEAD_MS     25    /* before its time, what is due is claimed (decisions/0018) */
#define SCHEDULE_TOGETHER_MS  5     /* claims of so long are made at once, and share an fsync */
#define SCHEDULE_AGAIN_MS     200   /* after the store has failed */
#define SCHEDULE_REFUSED_MS                                                                        \
    10000 /* the longest before outcomes are told again to a topic that does not take them */
#define SCHEDULE_RENEWALS     3   /* of a lease while it lasts */
#define SCHEDULE_SETTLE_MS    10  /* the longest that a settlement waits to be written */
#define SCHEDULE_SETTLE_COUNT 500 /* settlements that do not wait */
/* Of a channel's slots: so many requests are out, or answered and not recorded: what a death may
 * repeat. Then no further one begins. */
#define SCHEDULE_OPEN_TIMES 3
/* So many times what is not open may be of one shard, and not the last of it. Where its part of the
 * store does not answer, a fifth is left to the other shards, and something to each further one. */
#define SCHEDULE_OPEN_SHARE   4
#define SCHEDULE_TURN_PARTS   32 /* message parts that one slice sends in a row, at most */
#define SCHEDULE_TURN_MS      5  /* or as many as its sender's rate lets through in so long */
#define SCHEDULE_WINDOW_FIRST 64 /* message parts of a sender, marked and not begun */
#define SCHEDULE_WINDOW_MAX   8192
#define SCHEDULE_HEAD_START   32
#define SCHEDULE_NEXT_MS                                                                           \
    5000 /* a message's next slice is claimed so long before its rate needs it */
/* So often it is looked how fast each sender goes. What it holds and can't begin by the next look
 * takes no room from others. */
#define SCHEDULE_PACE_MS    100
#define SCHEDULE_PACE_FIRST 2000 /* message parts a second, until it is known better */
/* Message parts a second: up to this one process at a time sends a message, which it can do easily.
 */
#define SCHEDULE_ALONE_RATE   1000
#define SCHEDULE_NEWCOMERS    3000 /* destinations for which a sender that holds enough has room */
#define SCHEDULE_FULL_MS      2000 /* what finds no room is looked at again after so long, at least */
#define SCHEDULE_FULL_MOST_MS 30000
#define SCHEDULE_FULL_PACE_MS 5000  /* the most where it is not its rate that holds a sender up */
#define SCHEDULE_SHUT_MS      60000 /* for how long what nobody here can send is left alone */
/* The same, of one that another process may know: at first, and at most where one has begun. */
#define SCHEDULE_STRANGER_MS      250
#define SCHEDULE_STRANGER_MOST_MS 5000
#define SCHEDULE_OTHERS_MS        5000 /* what is known of other processes' channels holds so long */
#define SCHEDULE_SOURCE_MAX       256
#define SCHEDULE_STRANGERS_MAX    16 /* sources left alone at a time */
#define SCHEDULE_RELAY_IDLE_MS    2000
#define SCHEDULE_RELAY_SOON_MS    20  /* readings of so long are made at once */
#define SCHEDULE_RELAY_EACH_MS    200 /* a shard's outbox is read no more often */

enum schedule_token_kind { TOKEN_HOLDING, TOKEN_SENDER, TOKEN_SHARD, TOKEN_CHANNEL };
#define TOKEN(kind, rest) ((uint64_t)(kind) << 62 | (uint64_t)(rest))
#define TOKEN_KIND_OF(t)  ((enum schedule_token_kind)((t) >> 62))
#define TOKEN_REST(t)     ((t) & (UINT64_MAX >> 2))
#define TOKEN_GENERATIONS 0x3fffffffU

/* A message, as one claim brought it: shared by that claim's slices. */
struct content {
    unsigned users;
    struct schedule_message message; /* texts are in `text` */
    char *text;                      /* owned */
    struct channel_content body;     /* of a message whose body can be sent */
    bool usable;
    struct fault fault; /* why it is not */
};

struct settled { /* a settlement, its texts by their place in the batch's */
    uint16_t index;
    uint8_t attempt;
    bool possible_duplicate;
    enum settlement_state state;
    int64_t at_ms;
    int64_t retry_at_ms;
    size_t reason_at, reason_n;
    size_t id_at, id_n;
};

struct batch {
    struct settled *items; /* owned */
    size_t count;
    size_t cap;
    struct buf text;
};

enum write_kind { WRITE_NONE, WRITE_PROGRESS, WRITE_FINISH, WRITE_RELEASE, WRITE_END_CALL };

/* Why a holding is on its way out, before all of it is settled. */
enum leaving { LEAVING_NOT, LEAVING_CANCELLED, LEAVING_PAUSED, LEAVING_RELEASED, LEAVING_LOST };

struct holding {
    uint32_t index;
    uint32_t generation;
    struct holding *next; /* in its sender's ring, or in the list of unused ones */
    struct holding *prev;
    bool in_ring;
    bool in_line; /* a callback's: for the dialler */
    bool dirty;   /* in the list of those to look at in this turn */
    bool wants;   /* in its sender's line: for its next destinations to be marked */
    bool ahead;   /* to be put first into it */
    bool stale;   /* what it had marked has not begun in time, and is not marked again yet */
    bool slow;    /* its sender holds enough for a while: it takes no room from others */
    struct holding *before; /* in that line */
    struct holding *after;
    struct holding *later; /* in its sender's list of those whose messages have several slices */
    struct holding *next_dirty;
    struct heap_item timer;

    struct content *content; /* NULL: unused */
    struct schedule_lease lease;
    struct slice slice;   /* as worked on */
    struct slice written; /* as in the write under way */
    struct batch fresh;   /* settlements to be written */
    struct batch gone;    /* in the write under way */
    char *addresses;      /* owned */
    uint32_t *address_at; /* owned; slice.count + 1 of them */
    uint8_t *states;      /* owned; enum handover_state, DEFERRED, HANDED, RESERVED */
    struct sender *sender;

    enum write_kind write;
    bool write_failed; /* to be made again, as it was, at write_again_ms */
    int64_t write_again_ms;
    int64_t write_asked_ms;
    int64_t write_at_ms; /* its at_ms, and park */
    bool write_park;
    bool recipients_asked;

    size_t acknowledged; /* the watermark of the last write that was answered DONE */
    int64_t marked_ms;   /* when that write was asked for */
    size_t cursor;       /* nothing before it is MARKED */
    unsigned count[HANDOVER_STATE_COUNT];
    unsigned deferred;   /* of those WAITING, for their gap */
    int64_t begin_ms;    /* nothing is done before, by the store's clock; 0: it has come */
    int64_t due_ms;      /* lateness counts from here, by the store's clock; 0: it was counted */
    int64_t deferred_ms; /* when those that wait for their gap may be marked; 0: none do */
    int64_t fence_ms;    /* nothing is begun from here on */
    int64_t held_ms;     /* the lease lasts for a request until here: also for a text's next part */
    int64_t renew_ms;
    int64_t settled_ms;  /* since when `fresh` waits; 0: it is empty */
    int64_t retry_at_ms; /* of the next pass, by the store's clock */
    enum leaving leaving;
    int64_t leave_at_ms; /* when it may be claimed again, by the store's clock */
    bool leave_park;

    /* a callback */
    struct callback_state call;
    bool call_begun;
    bool call_slot; /* it holds one of the dialler's, until it is known whether it may begin */
    uint64_t call_number; /* of that slot's request, for the dialler's breaker */
    char call_reason[SETTLEMENT_TEXT_MAX + 1];
};
#define DEFERRED 0x80 /* flags beside the state */
#define HANDED   0x40 /* it is noted under its consent, until let go of */
#define RESERVED 0x20 /* its gap is reserved, and nothing was sent since */

struct sender {
    const struct schedule_sender *conf;
    struct channel_of *channel;
    char source[SCHEDULE_SOURCE_MAX]; /* its address, as schedule_source_small has it */
    size_t holdings;                  /* of it; more than none: it is in its channel's ring */
    struct sender *next;
    struct sender *prev;
    struct pacer pacer;
    struct holding *several; /* with a rate: those of messages of several slices, as they came */
    struct holding *ring;    /* those with something MARKED; the next one to send from */
    size_t ring_count;
    int64_t turn; /* parts that the ring's first may send before it is the next one's turn */
    int64_t held; /* destinations held and not begun */
    struct holding *line; /* those that want to be marked, first to last */
    struct holding *line_last;
    size_t line_count;
    size_t stale;        /* holdings that are */
    int64_t ready;       /* message parts MARKING or MARKED */
    int64_t window;      /* how many there may be, as has proved good */
    int64_t narrowed_ms; /* when it proved too large last */
    int64_t pace;        /* message parts a second that it begins, while it is behind */
    int64_t begun;       /* message parts since the last look at that, */
    int64_t waited;      /* what was `ready` then, */
    int64_t behind_ms;   /* and at which look some of that was left last */
};

#define UNWELCOME_MAX                                                                              \
    3 /* different destinations in a row that are answered 403 or 3xx stop a channel */
#define STOPPERS_MAX 64 /* destinations that have stopped a channel, and are known again */

struct stopper { /* a destination that was answered that nothing of ours is welcome */
    struct channel_ref who;
    bool by_it; /* the channel stopped, or stayed so; else it was only out when that came */
};

struct channel_of {
    const struct schedule_channel *conf;
    struct breaker breaker;
    struct channel_ref unwelcome[UNWELCOME_MAX]; /* destinations in a row that were answered so */
    unsigned unwelcome_count;
    struct stopper stoppers[STOPPERS_MAX]; /* the last of them; a ring */
    unsigned stopper_count;
    int out;
    bool full;          /* no slot was left by the last turn */
    int64_t unrecorded; /* settlements of its messages that are not in the store: what a death
                           repeats */
    int64_t open[SHARD_COUNT]; /* requests of messages that are out, and the unrecorded ones */
    char trouble[FAULT_TEXT_MAX];
    struct sender *busy; /* a ring of those of which something is held; the next to go */
    size_t busy_count;
    bool known;                 /* its gate was looked at */
    int64_t asked_ms, known_ms; /* last, and when what is known was asked for */
    bool stopped;               /* for all processes: it said that nothing of ours is welcome */
    bool probe;                 /* the one that may try it is this process, and it has not yet */
    bool asked;                 /* its gate */
    int writes; /* of its gate, that are not answered: what it says meanwhile is old */
    int64_t look_ms;
    int64_t others_ms; /* until then it may work for other processes, while it fails here */
    struct stat *stat_state;
    struct stat *stat_time;
    struct stat *stat_verdict[CHANNEL_STOPPED + 1];
};

struct send {
    uint32_t index;
    uint32_t generation;
    struct send *next;       /* of the unused ones */
    struct holding *holding; /* NULL: unused */
    size_t destination;
    bool doubtful;
    bool probe;      /* of a stopped channel */
    bool out;        /* its request is */
    uint64_t number; /* of that, for its channel's breaker */
    unsigned part;   /* of its text: 0 …; those before it were taken */
    unsigned parts;  /* requests that it takes */
    struct channel_of *channel;
    struct channel_request request;
    struct http_header headers[CHANNEL_HEADERS_MAX];
    struct channel_ref ref; /* of a message */
};

struct stranger {                     /* a source that nobody here sends for */
    char source[SCHEDULE_SOURCE_MAX]; /* as schedule_source_small has it */
    int64_t until_ms;                 /* its messages are left alone; 0: unused */
};

struct relay_entry; /* schedule_relay.c */

struct shard {
    bool claiming;
    unsigned slices; /* that it is asked for: more where the last claim left some */
    int64_t asked_ms;
    int64_t due_ms;   /* when to claim, monotonic; INT64_MAX: not known */
    int64_t woken_ms; /* the earliest due that was told since the claim that is out */
    int64_t looked_ms;
    struct heap_item claim_timer; /* unless it is claiming or blocked */
    int64_t held;                 /* destinations held of it, not settled */
    int64_t slow;                 /* of these, of slow holdings */
    bool blocked;                 /* due, but enough is held: looked at when that has gone */
    /* the outbox */
    bool outbox_full; /* nothing is claimed until entries have left */
    bool reading;
    bool more;                    /* it had more than the last reading brought */
    unsigned refusals;            /* of what is told now, one after the other */
    int64_t read_ms;              /* when it was asked for */
    struct heap_item relay_timer; /* unless it is reading, or waits for reports */
    bool relay_wanted;            /* something was written since it was read */
    struct relay_entry *entries;  /* owned; in order */
    size_t entry_count;
    size_t entry_at; /* the next one to produce from */
    size_t unreported;
    bool report_failed;
};

struct schedule {
    struct schedule_conf conf;
    struct schedule_ports port;
    struct shard shards[SHARD_COUNT];
    struct sender *senders;
    struct sender **by_address;                         /* owned; a table with holes */
    size_t by_address_size;                             /* a power of two */
    struct schedule_closed closed[SCHEDULE_CLOSED_MAX]; /* what a turn's claims say of them */
    struct schedule_closed others;
    size_t closed_count;
    bool has_others;
    bool has_rates;  /* some sender has one */
    int64_t pace_ms; /* when it was looked how fast they go */
    struct channel_of *channels;
    struct heap timers; /* of holdings */
    struct heap claims; /* of shards: when to claim */
    struct heap relays; /* of shards: when to go on with the outbox */
    struct holding **holdings;
    size_t holding_count;
    struct holding *unused;
    struct holding *dirty;
    size_t holdings_used;
    size_t claims_out; /* shards that are claiming */
    size_t claims_due; /* and are about to, when it is looked what claims are told */
    size_t blocked;    /* shards that are */
    int64_t held;      /* destinations held and not settled */
    int64_t slow;      /* of these, of slow holdings */
    size_t slow_count; /* such holdings */
    struct send **sends;
    size_t send_count;
    struct send *unused_send;
    struct slot_pool slots;
    struct holding *calls; /* callbacks that wait for a slot of the dialler, first to last */
    struct holding *calls_last;
    size_t call_count;
    bool calls_shut;        /* too many of them wait */
    struct far_clock clock; /* the store's */
    bool ending;
    bool over; /* and what is out is not waited for any more */
    size_t outboxes_full;
    struct stranger strangers[SCHEDULE_STRANGERS_MAX];
    struct settlement settlements[SCHEDULE_SETTLED_MAX]; /* of the write being made */
    struct view addresses[SCHEDULE_RECIPIENTS_MAX];      /* of the look-up being made */
    uint32_t destinations[SCHEDULE_RECIPIENTS_MAX];
    struct outcome_record outcome; /* the one being told */
    size_t outcome_refused;        /* the topic took none of so many bytes; SIZE_MAX: it did all */
    struct stat *stat_lateness;
    struct stat *stat_sent;
    struct stat *stat_handled;
    struct stat *stat_failed;
    struct stat *stat_retried;
    struct stat *stat_overtaken;
    struct stat *stat_doubtful;
    struct stat *stat_in_flight;
    struct stat *stat_strangers;
    struct stat *stat_held;
    struct stat *stat_calls;
    struct stat *stat_fenced;
    struct stat *stat_told;
    struct stat *stat_damaged;
    struct stat *stat_unreadable;
    struct stat *stat_outbox_full;
};

/* ---- schedule.c ---- */
int64_t schedule_now(const struct schedule *s);
/* What the store's clock shows now, at least: what has come by this has come; and at most: what is
 * not over by this is not over. */
int64_t schedule_store_ms(const struct schedule *s);
int64_t schedule_store_at(const struct schedule *s, int64_t now_ms); /* at that time of ours */
int64_t schedule_store_most_ms(const struct schedule *s);
int64_t schedule_mono_of(const struct schedule *s, int64_t store_ms);
bool schedule_up(const struct schedule *s);

/* ---- schedule_claim.c ---- */
void schedule_claim_init(struct schedule *s);
void schedule_claim_done(struct schedule *s);
void schedule_claim_due(struct schedule *s);
void schedule_claim_room(struct schedule *s); /* less is held */
/* That of one shard is, or is not any more. */
void schedule_outbox_full(struct schedule *s, unsigned shard, bool full);
void schedule_claim_all(
    struct schedule *s); /* each shard may have something that is claimed again */
void schedule_claim_begin(struct schedule *s, struct holding *h); /* its time has come */
int64_t schedule_claim_wake_ms(const struct schedule *s);
/* How long what can't be sent from here is left to other processes: the longer, the later it is. */
int64_t schedule_claim_rest_ms(const struct schedule *s, const struct holding *h, int64_t most_ms);
void schedule_claimed(void *schedule, const struct schedule_claimed *c);
void schedule_woken(void *schedule, unsigned shard, int64_t due_ms);

/* ---- schedule_hold.c ---- */
struct holding *schedule_hold_new(struct schedule *s, struct content *content,
                                  const struct schedule_claimed_slice *slice);
struct holding *schedule_hold_find(const struct schedule *s, uint64_t token_rest);
uint64_t schedule_hold_token(const struct holding *h);
void schedule_hold_count(struct schedule *s, const struct holding *h, int64_t more); /* held */
void schedule_hold_slow(struct schedule *s, struct holding *h); /* it is, from now on */
void schedule_hold_free(struct schedule *s, struct holding *h);
/* The one door through which a destination changes its state. */
void schedule_move(struct schedule *s, struct holding *h, size_t i, enum handover_event event);
void schedule_move_all(struct schedule *s, struct holding *h, enum handover_state from,
                       enum handover_event event);
enum handover_state schedule_state_of(const struct holding *h, size_t i);
void schedule_hold_dirty(struct schedule *s, struct holding *h); /* look at it in this turn */
void schedule_hold_look_all(struct schedule *s);
void schedule_hold_look_at(struct schedule *s, const struct channel_of *c); /* in this turn */
/* Begin nothing more of it. at_ms and park: as a release has them. The first reason holds, but for
 * LEAVING_LOST. */
void schedule_hold_leave(struct schedule *s, struct holding *h, enum leaving why, int64_t at_ms,
                         bool park);
void schedule_hold_fail(struct schedule *s, struct holding *h, const char *reason); /* WAITING */
/* What is below the watermark is recorded. */
void schedule_hold_marked(struct schedule *s, struct holding *h, int64_t asked_ms);
void schedule_hold_unmark(struct schedule *s, struct holding *h); /* MARKING: it was not recorded */
/* Its store does not answer in time: what is marked of it waits, and keeps nobody else. */
void schedule_hold_put_down(struct schedule *s, struct holding *h);
struct view schedule_address(const struct holding *h, size_t i);

/* ---- schedule_window.c ---- */
int64_t schedule_parts_of(const struct holding *h); /* of a message */
/* It may be sent from now: it gets in line. Returns whether it was its turn, and it is being
 * marked. */
bool schedule_window_want(struct schedule *s, struct holding *h);
/* One of it waits no longer: where it was the last, the message's next slice may have its turn. */
void schedule_window_taken(struct schedule *s, const struct holding *h);
void schedule_window_forget(struct holding *h); /* it wants to be marked no more */
/* So many destinations of a claim's head start are worth using. Where some that were marked have
 * not begun in time and wait, none: what comes now gets behind them. */
unsigned schedule_window_head_start(const struct holding *h);
int64_t schedule_window_most(const struct sender *from); /* so many parts are marked at once */
/* Marks those whose turn has come. Returns whether there was any. */
bool schedule_window_due(struct schedule *s);
int64_t schedule_window_wake_ms(struct schedule *s, struct sender *from, int64_t now_ms);
/* MARKING: it is recorded, and nothing stands against it. asked_ms: when the last look at whether
 * it may be sent was asked for. The answer may have been slept through. */
void schedule_window_marked(struct schedule *s, struct holding *h, int64_t asked_ms);
void schedule_window_stale(struct schedule *s, struct holding *h); /* MARKED: mark it again */
void schedule_window_begun(struct holding *h, int64_t now_ms);     /* one of it */
/* WAITING: it is not marked before then (monotonic). */
void schedule_window_defer(struct schedule *s, struct holding *h, size_t i, int64_t until_ms);
/* Those with whom its channel is tried last, for so long that others are. */
void schedule_window_defer_stoppers(struct schedule *s, struct holding *h);
/* The same, and what its slice has put off by itself, and is not due yet. */
void schedule_window_defer_put_off(struct schedule *s, struct holding *h);
void schedule_window_end_deferral(struct schedule *s, struct holding *h);

/* ---- schedule_pace.c ---- */
void schedule_pace_look(struct schedule *s);
int64_t schedule_pace_wake_ms(const struct schedule *s);
/* How many message parts it begins in a second; 0: as many as there are. */
int64_t schedule_pace_of(const struct schedule *s, const struct sender *from);
/* Its gateway has said to wait. */
void schedule_pace_throttled(const struct schedule *s, struct sender *from);
/* What is held of it takes longer than the others should wait for room. */
bool schedule_is_slow(const struct schedule *s, const struct sender *from);

/* ---- schedule_recipients.c ---- */
bool schedule_needs_recipients(const struct holding *h);
void schedule_recipients_ask(struct schedule *s, struct holding *h);     /* those MARKING */
void schedule_recipients_give_up(struct schedule *s, struct holding *h); /* on the answer */
void schedule_recipients_told(void *schedule, const struct schedule_recipients_answer *a);
/* The gaps of what was not sent; nothing of it will be, by this holding. */
void schedule_give_back(struct schedule *s, struct holding *h);
/* Settlements are recorded: a withdrawal of these needn't list them any more. */
void schedule_let_go_settled(struct schedule *s, struct holding *h, const struct batch *settled);
/* The slice is put down: of all that nobody may have sent without its end being recorded. */
void schedule_let_go_all(struct schedule *s, struct holding *h);

/* ---- schedule_open.c ---- */
/* Until when (monotonic) the sender can't send; now_ms: it can. */
int64_t schedule_sender_shut_ms(struct schedule *s, struct sender *from, int64_t now_ms);
/* The same of what holds for every process: not of a channel that works for another one. */
int64_t schedule_sender_shut_to_all_ms(struct schedule *s, struct sender *from, int64_t now_ms);
/* It will not be sent any more: out of date, or due outside the hours of one who does not wait. */
bool schedule_is_over(const struct schedule *s, const struct holding *h, int64_t now_ms);
/* When, by the store's clock, its hours or its worth end; INT64_MAX: never. */
int64_t schedule_end_ms(const struct schedule *s, const struct holding *h, int64_t now_ms);
/* No request begins from then on (monotonic), wherever within its slack the store's clock is. */
int64_t schedule_last_ms(const struct schedule *s, const struct holding *h, int64_t now_ms);

/* ---- schedule_write.c ---- */
struct settle {
    enum settlement_state state;
    struct view reason;
    struct view provider_id;
    bool possible_duplicate;
    bool unasked;    /* no request was made for it in this pass, unless possible_duplicate */
    int64_t wait_ms; /* AGAIN: at least; the message's retryDelay holds too */
};
/* Ends destination i in this pass. AGAIN at the last attempt becomes FAILED. Its state has been
 * moved. */
void schedule_settle(struct schedule *s, struct holding *h, size_t i, const struct settle *how);
void schedule_tell_unknown(struct schedule *s, struct holding *h, size_t i);
void schedule_write(struct schedule *s, struct holding *h, enum write_kind kind);
void schedule_write_again(struct schedule *s, struct holding *h);
void schedule_written(void *schedule, uint64_t token, enum schedule_state state);
void schedule_batch_done(struct batch *b);
/* So many settlements more, or less, that are not in the store. */
void schedule_unrecorded(const struct holding *h, int64_t more);

/* ---- schedule_closed.c ---- */
void schedule_closed_look(struct schedule *s); /* before claims */
/* Of what has come of it too much is held: for how long it is put down; 0: it is kept. */
int64_t schedule_closed_full_ms(const struct schedule *s, const struct sender *from);
/* For how long what only this process can't send is put down, most_ms at most. */
int64_t schedule_closed_own_ms(const struct schedule *s, const struct holding *h, int64_t most_ms);

/* ---- schedule_senders.c ---- */
void schedule_senders_init(struct schedule *s); /* after the channels */
void schedule_senders_done(struct schedule *s);
/* As claims are told of it (struct schedule_closed). */
void schedule_source_small(struct view source, char out[SCHEDULE_SOURCE_MAX]);
struct sender *schedule_sender_find(const struct schedule *s, struct view source);
void schedule_sender_join(struct holding *h, struct sender *from);
void schedule_sender_part(struct holding *h); /* no-op if it has none */

/* ---- schedule_gate.c ---- */
/* Before it sends: is one without a rate paused, by whatever process? Asks if that is not known. */
void schedule_gate_look(struct schedule *s, struct sender *from, int64_t now_ms);
/* Asks for what its rate lets through, `first` parts at least, if it is time to. */
void schedule_gate_ask(struct schedule *s, struct sender *from, int64_t first, int64_t now_ms);
void schedule_granted(void *schedule, const struct schedule_grant *g); /* of channels, too */
/* Its gateway says to wait: it does in every process. */
void schedule_gate_throttled(struct schedule *s, struct sender *from,
                             const struct channel_outcome *o);
void schedule_gate_written(struct schedule *s, uint64_t token_rest, enum schedule_state state);

/* ---- schedule_send.c ---- */
void schedule_send_init(struct schedule *s);
void schedule_send_done(struct schedule *s);
void schedule_send_due(struct schedule *s);
int64_t schedule_send_wake_ms(struct schedule *s);
void schedule_ring_put(struct holding *h);
void schedule_ring_take(struct holding *h); /* no-op if it is in none */
struct send *schedule_send_new(struct schedule *s, struct channel_of *to);
void schedule_send_free(struct schedule *s, struct send *d);
bool schedule_submit(struct schedule *s, struct send *d, struct fault *f);

/* ---- schedule_stop.c ---- */
/* A reply to d means that its channel works, or that it fails. */
void schedule_channel_ok(struct schedule *s, const struct send *d);
void schedule_channel_failed(struct schedule *s, const struct send *d, const char *why);
/* Nobody was reached. */
void schedule_channel_lost(struct schedule *s, const struct send *d, const char *why);
/* This destination was answered 403 or 3xx. true: so were the ones before it, and it stops. */
bool schedule_channel_unwelcome(struct channel_of *c, const struct channel_ref *who);
/* Would the channel be stopped by the same destination again, while it works for others? Then it is
 * about that one. */
bool schedule_channel_stops_again(const struct channel_of *c, const struct channel_ref *who);
/* It is stopped, and this destination was answered so: it is to be tried with others first. */
bool schedule_channel_tries_last(const struct channel_of *c, const struct channel_ref *who);
/* Nothing of ours is welcome: stops it for all processes. d's destination is known from now on. */
void schedule_channel_stop(struct schedule *s, const struct send *d, const char *why);
/* It did not work last, or is stopped: one probe at a time is all that goes out. */
bool schedule_channel_fails(const struct channel_of *c);
/* It fails, and works for another process, as far as is known. */
bool schedule_channel_fails_here(const struct channel_of *c, int64_t now_ms);
/* And a request is out that tries it. */
bool schedule_channel_tries(const struct channel_of *c, int64_t now_ms);
/* May one more request be begun? Asks for the probe of a stopped one by itself. */
bool schedule_channel_allows(struct schedule *s, struct channel_of *c, int64_t now_ms);
int64_t schedule_channel_wake_ms(const struct channel_of *c, int64_t now_ms);
void schedule_channels_look(struct schedule *s); /* have others stopped one? */
int64_t schedule_channels_wake_ms(const struct schedule *s);
void schedule_channel_told(struct schedule *s, const struct schedule_grant *g);
void schedule_channel_written(struct schedule *s, uint64_t token_rest);

/* ---- schedule_call.c ---- */
void schedule_call_take(struct schedule *s, struct holding *h);
void schedule_call_timed_out(struct schedule *s, struct holding *h);
void schedule_call_look(struct schedule *s, struct holding *h, int64_t now_ms);
void schedule_call_due(struct schedule *s);
int64_t schedule_call_out_ms(const struct schedule *s); /* a request is out no longer */
int64_t schedule_call_wake_ms(struct schedule *s);
void schedule_call_forget(struct schedule *s, struct holding *h); /* no longer in line */
void schedule_call_marked(struct schedule *s, struct holding *h);
void schedule_call_refused(struct schedule *s, struct holding *h);  /* its progress was not DONE */
void schedule_call_put_down(struct schedule *s, struct holding *h); /* its slot is free again */
void schedule_call_replied(struct schedule *s, const struct send *d,
                           const struct http_reply *reply);

/* ---- schedule_relay.c ---- */
void schedule_relay_init(struct schedule *s);
void schedule_relay_due(struct schedule *s);
int64_t schedule_relay_wake_ms(const struct schedule *s);
void schedule_relay_soon(struct schedule *s, unsigned shard); /* something was written to it */
void schedule_outbox(void *schedule, const struct schedule_outbox *o);
void schedule_relay_hurry(struct schedule *s); /* the end has come */
void schedule_relay_report(struct schedule *s, uint64_t token_rest, bool delivered,
                           const char *error);
bool schedule_relay_idle(const struct schedule *s);
void schedule_relay_done(struct schedule *s);

#endif
