/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds of tables. The fuzzer of the state machines is built with -DMTR_SMALL_BOUNDS: then runs as
 * short as its own reach what lies beyond a bound, and cost little to set up. */
#ifndef MTR_BASE_BOUND_H
#define MTR_BASE_BOUND_H

#ifdef MTR_SMALL_BOUNDS
#define BOUND(usual, small) (small)
#else
#define BOUND(usual, small) (usual)
#endif

#endif
