/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is used again at once: with the linker's --wrap=calloc and --wrap=free, a block of
 * calloc's that was freed is the next one of its size. So whatever remembers an address for longer
 * than it lives meets another object there. Under ASan a freed block is poisoned until then. */
#ifndef MTR_REUSE_H
#define MTR_REUSE_H

/* Gives back all blocks that wait to be used again. */
void reuse_reset(void);

#endif
