/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges the reports of several flows. */
#include "prober/prober.h"

static void merge_summary(struct trace_summary *into, const struct trace_summary *from)
{
    if (trace_ends_better(from, into)) {
        into->ending = from->ending;
        into->end_type = from->end_type;
        into->end_code = from->end_code;
        into->end_ttl = from->end_ttl;
    }
    if (from->probed_ttl > into->probed_ttl)
        into->probed_ttl = from->probed_ttl;
    if (from->elapsed_ns > into->elapsed_ns)
        into->elapsed_ns = from->elapsed_ns;
    if (into->last_error == 0)
        into->last_error = from->last_error;
    into->sent += from->sent;
    into->clock_adjustments += from->clock_adjustments;
    into->missing_tx_timestamp += from->missing_tx_timestamp;
}

/* A merged session has the reason of a flow without a session, if there is one. */
static void merge_session(struct session *into, const struct session *from)
{
    uint32_t opened = into->opened + from->opened, lost = into->lost + from->lost;

    if (from->state == SESSION_OVER && into->state != SESSION_OVER)
        *into = *from;
    into->opened = opened;
    into->lost = lost;
}

int prober_report_merge(struct prober_report *into, const struct prober_report *from,
                        struct err *err)
{
    merge_summary(&into->summary, &from->summary);
    into->done = into->done && from->done;
    if (from->in_session)
        merge_session(&into->session, &from->session);
    if (from->capture_drops > into->capture_drops)
        into->capture_drops = from->capture_drops;
    if (counters_merge(into->counters, from->counters) < 0 ||
        evidence_merge(into->evidence, from->evidence) < 0)
        return err_set(err, ERR_NOMEM, "no memory for a result");
    return 0;
}
