/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * umount.h - the end of a mount: its inodes' ends, lists, UMOUNT, then id and devices
 */
#ifndef ZUF_UMOUNT_H
#define ZUF_UMOUNT_H

#include <linux/types.h>

struct zuf_root;
struct zuf_sb;
struct zuf_sbid;

int zuf_umount_module_init(void);
void zuf_umount_module_fini(void);
void zuf_umount_root_init(struct zuf_root *root);
/* No mount is left. */
void zuf_umount_root_fini(struct zuf_root *root);

/**
 * zuf_umount_send() - send UMOUNT after all that is under way, wait for the answer;
 * without zus_sbi: wait until the server has done with a mount that was killed
 * Context: a fatal signal ends the wait, a worker and a task that exits do not wait at all;
 * the message is delivered all the same. The caller's reference of zsb->sbid goes with it:
 * closed when the server has answered or is gone.
 */
void zuf_umount_send(struct zuf_sb *zsb);

/**
 * zuf_umount_drop() - the end of a mount of which nobody is told: its server is gone, or has
 * refused it
 * Context: waits until the lists of the mount have ended, as zuf_umount_send(). The caller's
 * reference of zsb->sbid goes.
 */
void zuf_umount_drop(struct zuf_sb *zsb);

/* Go on with it if that is possible. True: nobody need look again. */
bool zuf_umount_look(struct zuf_sbid *sbid);

#endif
