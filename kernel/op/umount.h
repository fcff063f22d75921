/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * umount.h - end a mount: the ends of its inodes, its lists, UMOUNT, then the id and the devices
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
/* Context: no mount of the root is left. */
void zuf_umount_root_fini(struct zuf_root *root);

/**
 * zuf_umount_send() - send UMOUNT after all that is under way, and wait for the answer
 * Without zus_sbi: wait until the server has done with a mount whose caller was killed.
 * Context: a fatal signal ends the wait; a worker and a task that exits do not wait at all. The
 * message is delivered in any case. Consumes the caller's reference of zsb->sbid, which is closed
 * when the server has answered or is gone.
 */
void zuf_umount_send(struct zuf_sb *zsb);

/**
 * zuf_umount_drop() - end a mount without telling anybody: its server is gone, or has refused it
 * Context: waits until the lists of the mount have ended, as zuf_umount_send() does. Consumes the
 * caller's reference of zsb->sbid.
 */
void zuf_umount_drop(struct zuf_sb *zsb);

/*
 * Go on with the unmount of @sbid if that is possible.
 * Return: true: nobody needs to look again.
 */
bool zuf_umount_look(struct zuf_sbid *sbid);

#endif
