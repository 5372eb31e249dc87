/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds of tables. The fuzzer of the state machines is built with -DMTR_SMALL_BOUNDS, so that its
 * short runs fill the tables, reach the code for full tables, and need little memory. */
#ifndef MTR_BASE_BOUND_H
#define MTR_BASE_BOUND_H

#ifdef MTR_SMALL_BOUNDS
#define BOUND(usual, small) (small)
#else
#define BOUND(usual, small) (usual)
#endif

#endif
