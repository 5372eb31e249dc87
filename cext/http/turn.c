/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/turn.h"

int64_t httpturn_take(struct httpturn *turn, int64_t now_us)
{
    int64_t start_us = turn->free_us > now_us ? turn->free_us : now_us;

    turn->free_us = start_us + (turn->cost_us > 0 ? turn->cost_us : HTTPTURN_GUESS_US);
    return start_us;
}

void httpturn_note(struct httpturn *turn, int64_t cost_us)
{
    turn->cost_us = cost_us < HTTPTURN_MOST_US ? cost_us : HTTPTURN_MOST_US;
}
